import { InvalidArgumentError } from 'commander';
import { formatDuration, parseBandwidth, parseBytes, parseDuration } from '../units.js';

/** Parses with one of the parsers that answer undefined for what they do not know. */
const wanted =
  <T>(what: string, parse: (text: string) => T | undefined) =>
  (text: string): T => {
    const value = parse(text);
    if (value === undefined) throw new InvalidArgumentError(`${what} is wanted`);
    return value;
  };

export const size = wanted('a size such as 4GiB', parseBytes);
export const rate = wanted('a rate such as 1Gb or 100MB', parseBandwidth);
export const duration = wanted('a time such as 300, 300ms or 10s', parseDuration);
/** From `least` to `most` ms. */
export const durationWithin = (least: number, most: number): ((text: string) => number) =>
  wanted(`a time from ${formatDuration(least)} to ${formatDuration(most)}`, (text) => {
    const ms = parseDuration(text);
    return ms !== undefined && ms >= least && ms <= most ? ms : undefined;
  });
export const number = (least: number, most: number): ((text: string) => number) =>
  wanted(`a number from ${least} to ${most}`, (text) => {
    const value = Number(text);
    return text.trim() !== '' && value >= least && value <= most ? value : undefined;
  });
export const integer = (least: number, most: number): ((text: string) => number) =>
  wanted(`a whole number from ${least} to ${most}`, (text) => {
    const value = Number(text);
    return Number.isInteger(value) && value >= least && value <= most ? value : undefined;
  });
