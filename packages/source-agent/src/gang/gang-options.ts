import type { Logger } from '@pageferry/daemon';
import type { ContentFigures, GangContents } from '../known-contents.js';
import type { MigrationRequest } from '../request.js';
import type { Route } from '../route.js';
import type { GangRequest } from './gang-request.js';
import type { MemberMigration } from './member.js';

/** A route that ends with the gang. */
export type ClosableRoute = Route & {
  readonly close: () => void;
  /** What its guests share, while there is a connection. */
  readonly contents?: GangContents | undefined;
  /** What has become of their pages, over all connections. */
  readonly figures?: ContentFigures;
};

export interface GangOptions {
  readonly id: string;
  readonly request: GangRequest;
  readonly guests: readonly string[];
  readonly route: ClosableRoute;
  /** By which the route knows what the guests have in common. */
  readonly preparation?: string | undefined;
  /** Starts one guest's migration by this route. */
  readonly start: (request: MigrationRequest, route: Route) => Promise<MemberMigration>;
  readonly log: Logger;
}
