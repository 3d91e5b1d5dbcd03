import { styleText } from 'node:util';

export type Colour = 'red' | 'green' | 'yellow' | 'bold' | 'dim';

/** Colours a text, or leaves it as it is. */
export type Paint = (colour: Colour, text: string) => string;

export const paint: Paint = (colour, text) => styleText(colour, text, { validateStream: false });

export const plain: Paint = (_colour, text) => text;
