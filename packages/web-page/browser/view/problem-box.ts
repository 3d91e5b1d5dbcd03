import { codeOf, type Problem } from '../api/problem.js';
import { element } from '../dom/element.js';

/** What went wrong, where, and all that was found. */
export function problemBox(problem: Problem): HTMLElement {
  const { title, detail, host, findings } = problem;
  const code = codeOf(problem);
  // The detail of several findings is all of them in one line.
  const listed = findings.length > 1 || (findings[0] !== undefined && findings[0] !== detail);
  const isSaid = listed && findings.every((finding) => detail?.includes(finding) === true);
  return element(
    'div',
    { class: 'problem' },
    element(
      'p',
      { class: 'problem-title' },
      element('strong', { text: title }),
      ...(host === undefined ? [] : [element('span', { class: 'host', text: `on the ${host}` })]),
      ...(code === undefined ? [] : [element('code', { text: code })]),
    ),
    ...(detail === undefined || isSaid ? [] : [element('p', { text: detail })]),
    ...(listed ? [element('ul', {}, ...findings.map((text) => element('li', { text })))] : []),
  );
}
