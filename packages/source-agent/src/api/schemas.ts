import { Type } from '@sinclair/typebox';
import type { GuestView } from '../guest-list.js';
import type { InspectionView } from '../inspect-guest.js';
import type { OutgoingView } from '../outgoing-resource.js';
import type { DryRun } from '../preflight.js';

// What several routes answer stands once in the document.

export const MigrationAnswer = Type.Unsafe<OutgoingView>({ $ref: 'Migration#' });
export const DryRunAnswer = Type.Unsafe<DryRun>({ $ref: 'DryRun#' });
export const InspectionAnswer = Type.Unsafe<InspectionView>({ $ref: 'Inspection#' });
export const GuestAnswer = Type.Unsafe<GuestView>({ $ref: 'Guest#' });
