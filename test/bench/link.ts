/** 10^6 bits a second, or null for a link without a limit. */
export type Link = number | null;

const unshaped = 'unshaped';

/** As it is named on the command line. */
export const linkName = (link: Link): string => (link === null ? unshaped : String(link));

/** As it is called in the document. */
export const linkTitle = (link: Link): string => {
  if (link === null) return 'a link without a limit';
  return link % 1000 === 0 ? `${link / 1000} Gb/s` : `${link} Mb/s`;
};

export function parseLink(text: string): Link | undefined {
  if (text === unshaped) return null;
  const link = Number(text);
  return Number.isInteger(link) && link > 0 ? link : undefined;
}
