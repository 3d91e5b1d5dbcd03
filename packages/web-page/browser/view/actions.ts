import type { Steer } from '../api/client.js';
import type { Migration } from '../api/migration.js';
import { confirmed, type Choice, type Question } from '../dom/confirm.js';
import { button, element } from '../dom/element.js';
import { canCancel, canRecover, canSwitchOver } from './phases.js';

/** Asks the agent for something; rejects with what it answers. */
export type AskAgent = (migration: Migration, what: Steer, body: object | undefined) => Promise<void>;

const AS_REQUESTED = '';

/** How the rest goes can be chosen only where the destination is prepared for both. */
const ways: readonly Choice[] = [
  { value: AS_REQUESTED, label: 'The rest goes as was requested, by what fits the downtime limit' },
  { value: 'stop', label: 'The rest is sent while the guest stands still' },
  { value: 'postcopy', label: 'The guest runs there at once, and the rest follows by post-copy' },
];

/** The buttons of a migration. Each one asks before it does anything. */
export class Actions {
  readonly #ask: AskAgent;
  readonly #buttons: readonly (readonly [HTMLButtonElement, (migration: Migration) => boolean])[];
  #migration: Migration | undefined;
  #asking = false;
  readonly node: HTMLElement;

  constructor(ask: AskAgent) {
    this.#ask = ask;
    this.#buttons = [
      [this.#button('Reconnect', 'recover', reconnectQuestion), canRecover],
      [this.#button('Switch over now', 'switchover', switchOverQuestion), canSwitchOver],
      [this.#button('Cancel', 'cancel', cancelQuestion, 'button danger'), canCancel],
    ];
    this.node = element('div', { class: 'buttons' }, ...this.#buttons.map(([made]) => made));
  }

  show(migration: Migration): void {
    this.#migration = migration;
    for (const [made, isPossible] of this.#buttons) made.disabled = this.#asking || !isPossible(migration);
  }

  #button(
    label: string,
    what: Steer,
    question: (migration: Migration) => Question,
    className?: string,
  ): HTMLButtonElement {
    return button(label, () => void this.#clicked(what, question), className);
  }

  async #clicked(what: Steer, question: (migration: Migration) => Question): Promise<void> {
    const migration = this.#migration;
    if (migration === undefined) return;
    const answer = await confirmed(question(migration));
    if (answer === undefined) return;
    this.#asking = true;
    this.show(migration);
    await this.#ask(migration, what, answer === '' ? undefined : { with: answer });
    this.#asking = false;
    this.show(this.#migration ?? migration);
  }
}

const cancelQuestion = ({ guest }: Migration): Question => ({
  title: `Cancel the migration of ${guest}?`,
  text: `${guest} goes on running on this host, and what has been sent so far is lost.`,
  action: 'Cancel the migration',
});

const switchOverQuestion = ({ guest, mode }: Migration): Question => ({
  title: `Switch ${guest} over now?`,
  text: `${guest} is stopped at the next opportunity, whatever is left to send: it may stand still for longer than its downtime limit.`,
  action: 'Switch over',
  ...(mode === 'hybrid' && { choices: ways }),
});

const reconnectQuestion = ({ guest }: Migration): Question => ({
  title: `Try to reach the destination of ${guest} now?`,
  text: 'It is tried again and again in any case; this does not wait for the next time.',
  action: 'Reconnect',
});
