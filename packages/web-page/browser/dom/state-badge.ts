import { meaningOf } from '../view/phases.js';
import { element, setAttribute, setText } from './element.js';

/** A state in colour and in words. */
export class StateBadge {
  readonly node = element('span', { class: 'badge' });

  show(state: string): void {
    const { label, tone, words } = meaningOf(state);
    setText(this.node, label);
    setAttribute(this.node, 'data-tone', tone);
    setAttribute(this.node, 'title', words);
  }
}
