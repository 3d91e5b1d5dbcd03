/** Whom QEMU runs as: both accounts are there in any of the tests' libvirts. */
export type QemuAccount = 'root' | 'libvirt-qemu';

/** Debian's libvirt does not start without its account, whether its package is installed here or not. */
export const libvirtUser = { uid: 64055, gid: 64055 } as const;
/** Who is in it may use libvirt, as with Debian's package. */
export const libvirtGroup = 64056;
/** The agents' own. */
export const agentsGroup = 64057;

/** What is added to the accounts of this machine. */
export const accountLines = {
  passwd: `libvirt-qemu:x:${libvirtUser.uid}:${libvirtUser.gid}::/:/usr/sbin/nologin\n`,
  group: [
    `libvirt-qemu:x:${libvirtUser.gid}:\n`,
    `libvirt:x:${libvirtGroup}:\n`,
    // Libvirt wants to know its clients' groups by their names.
    `pageferry:x:${agentsGroup}:\n`,
  ].join(''),
} as const;

const ownerSettings: Readonly<Record<QemuAccount, string>> = {
  root: `
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
`,
  // As Debian's package has it: libvirt gives the images of a domain to QEMU when it starts it.
  'libvirt-qemu': `
user = "libvirt-qemu"
group = "libvirt-qemu"
`,
};

/** `qemu.conf`. */
export const qemuSettings = (account: QemuAccount): string => `${ownerSettings[account]}
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
`;

/** `libvirtd.conf`. */
export const daemonSettings = (directory: string): string => `
unix_sock_dir = "${directory}"
unix_sock_group = "libvirt"
unix_sock_rw_perms = "0770"
auth_unix_rw = "none"
log_outputs = "3:file:${directory}/libvirtd.log"
`;
