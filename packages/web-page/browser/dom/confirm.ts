import { button, element } from './element.js';

export interface Choice {
  readonly value: string;
  readonly label: string;
}

export interface Question {
  readonly title: string;
  readonly text: string;
  /** What the button says that goes on. */
  readonly action: string;
  /** Of which one is chosen, the first by default; none if there is nothing to choose. */
  readonly choices?: readonly Choice[];
}

/** Asks; resolves with the choice ('' if there is none), or undefined if nothing is to be done. */
export function confirmed({ title, text, action, choices = [] }: Question): Promise<string | undefined> {
  return new Promise((resolve) => {
    const dialog = element('dialog', { attributes: { 'aria-labelledby': 'question' } });
    let answer: string | undefined;
    const inputs = choices.map(({ value }, index) => {
      const input = element('input', { attributes: { type: 'radio', name: 'choice', value } });
      input.checked = index === 0;
      return input;
    });
    const rows = inputs.map((input, index) =>
      element('label', { class: 'choice' }, input, choices[index]?.label ?? ''),
    );
    const stay = button('Keep it as it is', () => {
      dialog.close();
    });
    const go = button(
      action,
      () => {
        answer = inputs.find((input) => input.checked)?.value ?? '';
        dialog.close();
      },
      'button danger',
    );
    dialog.append(
      element('h2', { text: title, attributes: { id: 'question' } }),
      element('p', { text }),
      ...rows,
      element('div', { class: 'buttons' }, stay, go),
    );
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
    stay.focus();
  });
}
