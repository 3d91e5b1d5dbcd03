const FIRST_PRINTABLE = 0x20;
const LAST_PRINTABLE = 0x7e;
const QUOTE = "'";

/**
 * A value as JSON in one word of virsh's command line. Between single quotes virsh takes every character as it is (vsh.c,
 * `vshCommandStringGetArg`); the quote itself, and what readline would act upon, become `\uXXXX`, which they can since
 * outside of its strings JSON has only printable ASCII, and no such quote.
 */
export function quotedJson(value: unknown): string {
  let text = '';
  for (const unit of JSON.stringify(value).split('')) {
    const code = unit.charCodeAt(0);
    const plain = code >= FIRST_PRINTABLE && code <= LAST_PRINTABLE && unit !== QUOTE;
    text += plain ? unit : `\\u${code.toString(16).padStart(4, '0')}`;
  }
  return QUOTE + text + QUOTE;
}

/** The line that has virsh pass a QMP command on. */
export function monitorCommand(uuid: string, command: Readonly<Record<string, unknown>>): string {
  return `qemu-monitor-command --domain ${uuid} ${quotedJson(command)}`;
}
