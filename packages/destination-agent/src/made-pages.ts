import { PageferryError } from '@pageferry/errors';
import { PAGE_SIZE, applyPagePatch, type ContentStore, type PageContent } from '@pageferry/transfer';
import {
  HEADER_BYTES,
  PATCH_HEADER_BYTES,
  REFERENCE_BYTES,
  patchLength,
  type FrameHeader,
  ADDRESS_BYTES,
  recordAt,
} from '@pageferry/wire';

/**
 * Puts the pages of a `references` frame, which has been checked, into `pages`, as the records of a `pages` frame. Error:
 * `protocol-violation`.
 */
export function makeReferences(
  contents: ContentStore,
  frame: Buffer,
  { count }: FrameHeader,
  pages: Buffer,
): void {
  for (let index = 0; index < count; index++) {
    const offset = HEADER_BYTES + index * REFERENCE_BYTES;
    const record = recordAt(index);
    const { bytes, offset: from } = referred(contents, frame, offset);
    frame.copy(pages, record, offset, offset + ADDRESS_BYTES);
    bytes.copy(pages, record + ADDRESS_BYTES, from, from + PAGE_SIZE);
  }
}

/** As {@link makeReferences}, for a `patches` frame. */
export function makePatched(
  contents: ContentStore,
  frame: Buffer,
  { count }: FrameHeader,
  pages: Buffer,
): void {
  let offset = HEADER_BYTES;
  for (let index = 0; index < count; index++) {
    const record = recordAt(index);
    const { bytes, offset: from } = referred(contents, frame, offset);
    frame.copy(pages, record, offset, offset + ADDRESS_BYTES);
    const patch = offset + PATCH_HEADER_BYTES;
    const length = patchLength(frame, offset);
    if (!applyPagePatch(bytes, from, frame, patch, length, pages, record + ADDRESS_BYTES))
      throw new PageferryError('protocol-violation', 'a patch does not make a page');
    offset = patch + length;
  }
}

/** The content that the record at `offset` refers to. Error: `protocol-violation`, if it is not kept any more. */
function referred(contents: ContentStore, frame: Buffer, offset: number): PageContent {
  const slot = frame.readUInt32BE(offset + 8);
  const generation = contents.generation(slot);
  if (generation !== 0 && generation === frame.readUInt32BE(offset + 12)) return contents.content(slot);
  throw new PageferryError('protocol-violation', 'the source refers to a content that is not kept here');
}
