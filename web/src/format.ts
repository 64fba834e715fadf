/**
 * Numbers and times as text.
 *
 * In:  what the API sends: decimals and nanoseconds as strings (they exceed 2^53), rates and probabilities as numbers.
 * Out: text as the rules of look want it: NaN is "-", not known is "?", zero is "0"; signs are + or U+2212.
 */

export const NOT_KNOWN = '?';
const MINUS = '\u2212';

/** Integer ticks of a decimal text: ("61203.10", 2) is 6120310. Digits beyond `decimals` must be zeros. */
export function toTicks(text: string, decimals: number): number {
  const match = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text);
  const fraction = (match?.[3] ?? '').replace(/0+$/, '');
  if (!match || fraction.length > decimals) {
    throw new Error(`price ${text} does not fit ${decimals} decimals: allowed are plain decimals of that many places`);
  }
  const ticks = Number(match[2] + fraction.padEnd(decimals, '0'));
  return match[1] && ticks ? -ticks : ticks;
}

/** Decimal text of integer ticks: (6120310, 2) is "61203.10". */
export function fromTicks(ticks: number, decimals: number): string {
  const digits = Math.abs(Math.round(ticks)).toFixed(0).padStart(decimals + 1, '0');
  const cut = digits.length - decimals;
  const sign = Math.round(ticks) < 0 ? MINUS : '';
  return sign + digits.slice(0, cut) + (decimals ? `.${digits.slice(cut)}` : '');
}

/** A decimal text rounded half away from zero to `places`, without passing through a float. */
export function roundDecimal(text: string, places: number): string {
  const match = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text);
  if (!match) return text;
  const fraction = (match[3] ?? '').padEnd(places + 1, '0');
  let scaled = BigInt(match[2] + fraction.slice(0, places));
  if (fraction.charAt(places) >= '5') scaled += 1n;
  const digits = scaled.toString().padStart(places + 1, '0');
  const cut = digits.length - places;
  const sign = match[1] && scaled !== 0n ? MINUS : '';
  return sign + digits.slice(0, cut) + (places ? `.${digits.slice(cut)}` : '');
}

/** The whole part of a number text cut into groups of three from the right; sign and fraction stay attached. */
export function digitGroups(text: string): string[] {
  const match = /^([+\u2212-]?)(\d{4,})(.*)$/s.exec(text);
  if (!match) return [text];
  const groups = (match[2] ?? '').replace(/\B(?=(\d{3})+$)/g, ' ').split(' ');
  groups[0] = (match[1] ?? '') + (groups[0] ?? '');
  groups[groups.length - 1] += match[3] ?? '';
  return groups;
}

/** Difference of two decimal texts with its sign, rounded to `places`. */
export function signedDifference(after: string, before: string, places: number): string {
  const scale = Math.max(decimalsOf(after), decimalsOf(before));
  const difference = scaled(after, scale) - scaled(before, scale);
  const digits = (difference < 0n ? -difference : difference).toString().padStart(scale + 1, '0');
  const cut = digits.length - scale;
  const plain = roundDecimal(digits.slice(0, cut) + (scale ? `.${digits.slice(cut)}` : ''), places);
  return /^[0.]*$/.test(plain) ? plain : (difference < 0n ? MINUS : '+') + plain;
}

/** Three digits and a unit: 84000 is "84.0 us". */
export function duration(ns: number | string | null | undefined): string {
  if (ns === null || ns === undefined) return NOT_KNOWN;
  const value = Number(ns);
  if (Number.isNaN(value)) return '-';
  if (value === 0) return '0';
  const size = Math.abs(value);
  const [unit, width] = size < 999.5 ? ['ns', 1] as const : size < 999.5e3 ? ['us', 1e3] as const
    : size < 999.5e6 ? ['ms', 1e6] as const : ['s', 1e9] as const;
  const shown = size / width;
  const places = unit === 'ns' || shown >= 99.95 ? 0 : shown >= 9.995 ? 1 : 2;
  return `${value < 0 ? MINUS : ''}${shown.toFixed(places)} ${unit}`;
}

/** An age a person reads at a glance: 200 ms is "0.2 s", 75 s is "1 min 15 s". */
export function age(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [large, small] = whole < 3600 ? [`${Math.floor(whole / 60)} min`, [whole % 60, 's']] as const
    : [`${Math.floor(whole / 3600)} h`, [Math.floor((whole % 3600) / 60), 'min']] as const;
  return small[0] === 0 ? large : `${large} ${small.join(' ')}`;
}

/** A rate with no more digits than one can read: 0.042, 3.1, 312, 5214. */
export function rate(value: number | null | undefined): string {
  if (value === null || value === undefined) return NOT_KNOWN;
  if (Number.isNaN(value)) return '-';
  if (value === 0) return '0';
  if (value >= 99.95) return value.toFixed(0);
  return value >= 0.995 ? value.toFixed(1) : value.toPrecision(2);
}

/** An indicator's value: five digits, no exponent for common sizes. */
export function measured(value: number | null): string {
  if (value === null || Number.isNaN(value)) return '-';
  if (value === 0) return '0';
  const size = Math.abs(value);
  const text = size >= 1e4 ? size.toFixed(1) : size >= 1e-4 ? String(Number(size.toPrecision(5))) : size.toExponential(3);
  return (value < 0 ? MINUS : '') + text;
}

export function percent(probability: number | null): string {
  return probability === null ? NOT_KNOWN : `${Math.round(probability * 100)} %`;
}

/** A horizon in the unit a person would say: 420 s is "7 min". */
export function horizon(ns: string | null): string {
  if (ns === null) return NOT_KNOWN;
  const seconds = Number(BigInt(ns) / 1_000_000_000n);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

/** "2026-11-22 08:46:03" in UTC, or only the time of day. */
export function utc(seconds: number, form: 'full' | 'time' | 'minute' | 'day' = 'full'): string {
  const iso = new Date(seconds * 1000).toISOString();
  if (form === 'time') return iso.slice(11, 19);
  if (form === 'minute') return iso.slice(11, 16);
  if (form === 'day') return iso.slice(0, 10);
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}`;
}

/** Whole seconds of a nanosecond text, rounded down. */
export function secondsOf(ns: string): number {
  return Number(BigInt(ns) / 1_000_000_000n);
}

function decimalsOf(text: string): number {
  return (text.split('.')[1] ?? '').length;
}

function scaled(text: string, places: number): bigint {
  const [whole = '0', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(places, '0'));
}
