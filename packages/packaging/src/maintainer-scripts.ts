import type { MaintainerScripts } from './debian-package.js';

/** Users and directories are there before the first service of theirs starts. */
export const commonScripts: MaintainerScripts = {
  postinst: `if [ "$1" = configure ]; then
	systemd-sysusers pageferry.conf
	systemd-tmpfiles --create pageferry.conf
	if [ -d /run/systemd/system ]; then
		systemctl --system daemon-reload
		if command -v udevadm >/dev/null; then
			udevadm control --reload || true
			udevadm trigger --name-match=userfaultfd || true
		fi
	fi
fi
`,
  postrm: `if [ -d /run/systemd/system ]; then
	systemctl --system daemon-reload || true
fi
`,
};

/**
 * A service is enabled and started when it is first installed, and restarted by an upgrade; what the operator has decided
 * since stays. Its journals go with \`purge\` only.
 *
 * @param state its directory below /var/lib/pageferry
 */
export function serviceScripts(unit: string, state: string): MaintainerScripts {
  return {
    postinst: `if [ "$1" = configure ]; then
	deb-systemd-helper unmask ${unit} >/dev/null || true
	if deb-systemd-helper --quiet was-enabled ${unit}; then
		deb-systemd-helper enable ${unit} >/dev/null
	else
		deb-systemd-helper update-state ${unit} >/dev/null
	fi
	if [ -d /run/systemd/system ]; then
		systemctl --system daemon-reload
		if [ -n "$2" ]; then
			deb-systemd-invoke restart ${unit} >/dev/null || true
		else
			deb-systemd-invoke start ${unit} >/dev/null || true
		fi
	fi
fi
`,
    prerm: `if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
	deb-systemd-invoke stop ${unit} >/dev/null
fi
`,
    postrm: `if [ -d /run/systemd/system ]; then
	systemctl --system daemon-reload || true
fi
if command -v deb-systemd-helper >/dev/null; then
	if [ "$1" = remove ]; then
		deb-systemd-helper mask ${unit} >/dev/null
	elif [ "$1" = purge ]; then
		deb-systemd-helper purge ${unit} >/dev/null
		deb-systemd-helper unmask ${unit} >/dev/null
	fi
fi
if [ "$1" = purge ]; then
	rm -rf /var/lib/pageferry/${state}
fi
`,
  };
}
