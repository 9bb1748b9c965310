// A European option by simulation in plain TypeScript.

/** What is simulated: geometric Brownian motion, every step of every path. */
export interface EuropeanCall {
  readonly paths: number;
  readonly steps: number;
  readonly seed: number;
  readonly spot: number;
  readonly strike: number;
  /** A year, continuous. */
  readonly rate: number;
  /** A square root of a year. */
  readonly volatility: number;
  /** Years. */
  readonly maturity: number;
}

/**
 * Returns the discounted mean payoff and its standard error. Random bits are those of xoshiro128++ (Blackman and Vigna
 * 2021), normals come in pairs by the method of Box and Muller (1958), the logarithm of the price is summed over the steps,
 * and one exponential ends each path.
 */
export function europeanCall(option: EuropeanCall): { price: number; error: number } {
  const { paths, steps, seed, spot, strike, rate, volatility, maturity } = option;
  const dt = maturity / steps;
  const drift = (rate - 0.5 * volatility * volatility) * dt;
  const diffusion = volatility * Math.sqrt(dt);
  let s0 = seed | 0;
  let s1 = 0x9e3779b9 | 0;
  let s2 = 0x243f6a88 | 0;
  let s3 = 0xb7e15162 | 0;
  let spare = 0;
  let hasSpare = false;
  let sum = 0;
  let squares = 0;
  for (let path = 0; path < paths; path++) {
    let x = 0;
    for (let step = 0; step < steps; step++) {
      let normal = spare;
      if (hasSpare) {
        hasSpare = false;
      } else {
        let mixed = (s0 + s3) | 0;
        const u = ((((mixed << 7) | (mixed >>> 25)) + s0) >>> 0) / 2 ** 32;
        let shifted = s1 << 9;
        s2 ^= s0;
        s3 ^= s1;
        s1 ^= s2;
        s0 ^= s3;
        s2 ^= shifted;
        s3 = (s3 << 11) | (s3 >>> 21);
        mixed = (s0 + s3) | 0;
        const v = ((((mixed << 7) | (mixed >>> 25)) + s0) >>> 0) / 2 ** 32;
        shifted = s1 << 9;
        s2 ^= s0;
        s3 ^= s1;
        s1 ^= s2;
        s0 ^= s3;
        s2 ^= shifted;
        s3 = (s3 << 11) | (s3 >>> 21);
        const radius = Math.sqrt(-2 * Math.log(1 - u));
        normal = radius * Math.cos(2 * Math.PI * v);
        spare = radius * Math.sin(2 * Math.PI * v);
        hasSpare = true;
      }
      x += drift + diffusion * normal;
    }
    const payoff = Math.max(spot * Math.exp(x) - strike, 0);
    sum += payoff;
    squares += payoff * payoff;
  }
  const discount = Math.exp(-rate * maturity);
  const mean = sum / paths;
  const deviation = Math.sqrt(Math.max(squares / paths - mean * mean, 0));
  return { price: discount * mean, error: (discount * deviation) / Math.sqrt(paths) };
}

/**
 * The same with normals by the polar method (Marsaglia and Bray 1964), which needs neither sine nor cosine but throws a
 * fifth of its numbers away.
 */
export function europeanCallPolar(option: EuropeanCall): { price: number; error: number } {
  const { paths, steps, seed, spot, strike, rate, volatility, maturity } = option;
  const dt = maturity / steps;
  const drift = (rate - 0.5 * volatility * volatility) * dt;
  const diffusion = volatility * Math.sqrt(dt);
  let s0 = seed | 0;
  let s1 = 0x9e3779b9 | 0;
  let s2 = 0x243f6a88 | 0;
  let s3 = 0xb7e15162 | 0;
  let spare = 0;
  let hasSpare = false;
  let sum = 0;
  let squares = 0;
  for (let path = 0; path < paths; path++) {
    let x = 0;
    for (let step = 0; step < steps; step++) {
      let normal = spare;
      if (hasSpare) {
        hasSpare = false;
      } else {
        let u = 0;
        let v = 0;
        let r = 0;
        do {
          let mixed = (s0 + s3) | 0;
          u = ((((mixed << 7) | (mixed >>> 25)) + s0) | 0) / 2 ** 31;
          let shifted = s1 << 9;
          s2 ^= s0;
          s3 ^= s1;
          s1 ^= s2;
          s0 ^= s3;
          s2 ^= shifted;
          s3 = (s3 << 11) | (s3 >>> 21);
          mixed = (s0 + s3) | 0;
          v = ((((mixed << 7) | (mixed >>> 25)) + s0) | 0) / 2 ** 31;
          shifted = s1 << 9;
          s2 ^= s0;
          s3 ^= s1;
          s1 ^= s2;
          s0 ^= s3;
          s2 ^= shifted;
          s3 = (s3 << 11) | (s3 >>> 21);
          r = u * u + v * v;
        } while (r >= 1 || r === 0);
        const scale = Math.sqrt((-2 * Math.log(r)) / r);
        normal = u * scale;
        spare = v * scale;
        hasSpare = true;
      }
      x += drift + diffusion * normal;
    }
    const payoff = Math.max(spot * Math.exp(x) - strike, 0);
    sum += payoff;
    squares += payoff * payoff;
  }
  const discount = Math.exp(-rate * maturity);
  const mean = sum / paths;
  const deviation = Math.sqrt(Math.max(squares / paths - mean * mean, 0));
  return { price: discount * mean, error: (discount * deviation) / Math.sqrt(paths) };
}
