// Mistakes that change no number, with the reason. What is not here and survives is a test that is missing.

interface Place {
  readonly file: string;
  readonly unit: string;
  /** The line as it stands, trimmed. */
  readonly line: string;
  readonly original: string;
  readonly text: string;
}

const FRAME = 'native/metal/kernels/indicator_frame.metal';

const REASONS: readonly { readonly matches: (place: Place) => boolean; readonly why: string }[] = [
  {
    matches: ({ file, unit }) => file === FRAME && (unit === 'Max' || unit === 'Min'),
    why: 'of two equal numbers either is the larger',
  },
  {
    matches: ({ line, original }) => line.includes('atomic_store_explicit(broken') && original === '1u',
    why: 'the host only asks whether the flag is 0',
  },
  {
    matches: ({ line, original }) => line.includes('unlike_zero +=') && original === ' += ',
    why: 'less zero or plus zero, and NaN either way',
  },
];

/** Returns why a mistake changes no number, if that is known. */
export const explained = (place: Place): string | undefined =>
  REASONS.find(({ matches }) => matches(place))?.why;
