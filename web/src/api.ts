/**
 * The REST API as types and calls. Every failure becomes an `ApiError` whose message is the API's own words.
 * Nanosecond times, ids and exact decimals are strings on purpose: they exceed 2^53.
 */

export type Ns = string;
export type Decimal = string;
export type Side = 'buy' | 'sell';
export type BarState = 'ok' | 'flat' | 'unknown';

export interface Instrument {
  id: number; name: string; venue: string; symbol: string; base: string; quote: string; price_decimals: number; size_decimals: number;
  one_upping: number | null; one_upped_since_ns: Ns | null;
}
export interface Bar {
  open_ns: Ns; close_ns: Ns; open: Decimal | null; high: Decimal | null; low: Decimal | null; close: Decimal | null;
  volume: Decimal | null; state: BarState; revision: number; open_bar?: boolean;
}
export type BarColumns = { [K in Exclude<keyof Bar, 'open_bar'>]: Bar[K][] };
export interface Series { formula: string; unit: string; warm_up: number; columns: { open_ns: Ns[]; value: (number | null)[] } }
export interface Fill {
  client_order_id: string; instrument: string; side: Side; price: Decimal; size: Decimal; fee: Decimal; fee_asset: string; exchange_ns: Ns;
}
export interface Message {
  id: string; kind: 'may' | 'has' | 'alarm'; known_ns: Ns; instrument: string | null; strategy: string | null; side: Side | null;
  probability: number | null; price_low: Decimal | null; price_high: Decimal | null; horizon_ns: Ns | null; text: string;
  outcome: 'kept' | 'missed' | 'open' | null; may_id: string | null; slack: boolean;
}
export interface Scores { may: number; scored: number; brier: number | null; base_brier: number | null }
export interface Service {
  name: string; healthy: boolean; rate: number | null; unit: string; lag_p50_ns: number | null; lag_p99_ns: number | null;
  age_ns: number | null; detail: string;
}
export interface Status {
  mode: string; halted: { by: string; reason: string; since_ns: Ns } | null; messages_per_s: number; trades_stored: number; bars: number;
  orders: number; equity: Decimal | null; lag_ns: number | null; gaps: number; malformed: number;
}
/** `equity` is null while a position has no price. */
export interface EquityPoint { known_ns: Ns; equity: Decimal | null; quote: string }
export interface Equity { columns: { known_ns: Ns[]; equity: (Decimal | null)[] }; quote: string }
/** What the socket sends first: of each topic what REST answers; null where there is nothing yet. */
export type Snapshot = Record<string, unknown>;

/** `status` is 0 when there was no answer at all. */
export class ApiError extends Error {
  constructor(message: string, readonly status: number) {
    super(message);
  }
}

const UNAUTHORIZED = 401;
export const TOO_MANY_AT_ONCE = 429;

const ROOT = new URL('api/v1/', document.baseURI);

/** The token from `#token=...`, moved once into the session's storage so that it never stays in an address. */
export function takeToken(): string | null {
  const found = /(?:^#|&)token=([^&]+)/.exec(location.hash)?.[1];
  if (found) {
    sessionStorage.setItem('token', decodeURIComponent(found));
    history.replaceState(null, '', location.pathname + location.search);
  }
  return sessionStorage.getItem('token');
}

export function socketAddress(): string {
  const address = new URL('ws', ROOT);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  const token = takeToken();
  if (token) address.searchParams.set('token', token);
  return address.href;
}

export function get<T>(path: string, query: Record<string, string | number> = {}): Promise<T> {
  const address = new URL(path, ROOT);
  for (const [key, value] of Object.entries(query)) address.searchParams.set(key, String(value));
  return call<T>(address, { method: 'GET' });
}

export function post<T>(path: string, body: unknown): Promise<T> {
  return call<T>(new URL(path, ROOT), { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } });
}

async function call<T>(address: URL, init: RequestInit): Promise<T> {
  const headers = new Headers(init.headers);
  const token = takeToken();
  if (token) headers.set('Authorization', `Bearer ${token}`);
  let response: Response;
  let text: string;
  try {
    response = await fetch(address, { ...init, headers, signal: AbortSignal.timeout(10_000) });
    text = await response.text(); // the time may be over before all of the answer is there
  } catch {
    throw new ApiError(`${init.method} ${address.pathname}: no answer. Is ninefold still running?`, 0);
  }
  if (!response.ok) throw new ApiError(wordsOf(response, text, address), response.status);
  return JSON.parse(text) as T;
}

function wordsOf(response: Response, text: string, address: URL): string {
  const request = response.headers.get('x-request-id');
  const hint = response.status === UNAUTHORIZED ? '. For this page: put #token=TOKEN at the end of its address' : '';
  const suffix = hint + (request ? ` (request ${request})` : '');
  try {
    const detail: unknown = JSON.parse(text).detail;
    if (typeof detail === 'string') return detail + suffix;
  } catch {
    // not JSON: the status line below says what is known
  }
  return `${address.pathname} answered ${response.status} ${response.statusText}${suffix}`;
}
