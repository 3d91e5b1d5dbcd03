/** A terminal that understands what the views use: lines, and to go some of them up and erase what follows. */
export class FakeTerminal {
  readonly isTerminal = true;
  readonly columns: number;
  readonly rows: number;
  lines = [''];

  constructor(columns: number, rows = 24) {
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string): void {
    const [start = '', erased] = text.split('A\r\u001b[J', 2);
    if (erased !== undefined) {
      const up = Number(start.replace('\u001b[', ''));
      this.lines.splice(this.lines.length - 1 - up, Infinity, '');
    }
    const [first = '', ...more] = (erased ?? text).split('\n');
    this.lines.push(`${this.lines.pop() ?? ''}${first}`, ...more);
  }
}
