// What words mean in news of markets, where that differs from what they mean elsewhere. Our own list; every group says why.

const all = (valence: number, text: string): [string, number][] =>
  text
    .trim()
    .split(/\s+/)
    .map((word) => [word, valence]);

/**
 * Valences on VADER's scale (-4 to 4) that stand in place of its own. Kept small: words whose direction hardly depends on
 * what they are said of. "Costs", "rates" or "inventory" rise for better and for worse, so they are not here.
 */
export const FINANCE_WORDS: readonly (readonly [string, number])[] = [
  // Names of things in a market, and phrases of press releases, which everyday ratings call good or bad.
  ...all(
    0,
    'share shares shared sharing gross crude vice tax taxes taxed debt debts liability liabilities cancer',
  ),
  ...all(
    0,
    'interest interests interested security securities trust trusts bond bonds asset assets capital equity',
  ),
  ...all(
    0,
    'credit credits fire matter matters like united natural resource resources value values please party',
  ),
  ...all(0, 'help helps support energy create creates created solution solutions well ensure ensures chance'),
  // Results against what was expected, and results that grow or shrink.
  ...all(2, 'beat beats outperform outperforms outperformed outperforming exceeds exceeded tops topped'),
  ...all(-2, 'miss misses missed underperform underperforms underperformed underperforming disappoints'),
  ...all(
    1.9,
    'profit profits profitable profitability surge surges surged surging soar soars soared soaring',
  ),
  ...all(
    1.7,
    'rally rallies rallied rallying rebound rebounds rebounded rebounding jump jumps jumped climbed',
  ),
  ...all(
    1.4,
    'rise rises rose risen rising increase increases increased increasing grow grows grew grown growing',
  ),
  ...all(
    1.4,
    'growth gain gains gained gaining improve improves improved improving improvement higher recovery',
  ),
  ...all(
    -1.4,
    'fall falls fell fallen falling decrease decreases decreased decreasing decline declines declined',
  ),
  ...all(
    -1.4,
    'declining drop drops dropped dropping lower shrink shrinks shrank shrinking weaken weakened weaker',
  ),
  ...all(
    -1.9,
    'loss losses slump slumps slumped slumping plunge plunges plunged plunging tumble tumbles tumbled',
  ),
  ...all(-1.9, 'slide slides slid sliding plummet plummets plummeted crash crashes crashed selloff sell-off'),
  // What others think of a security.
  ...all(1.9, 'upgrade upgrades upgraded upgrading bullish overweight outperformer'),
  ...all(-1.9, 'downgrade downgrades downgraded downgrading bearish underweight'),
  // Orders, contracts and money for the owners.
  ...all(1.3, 'won wins awarded approval approved dividend dividends buyback buybacks'),
  // What goes wrong with a company.
  ...all(
    -2.2,
    'layoff layoffs lay-off lay-offs redundancies writedown write-down impairment impairments recall recalls',
  ),
  ...all(
    -2.6,
    'bankrupt bankruptcy insolvent insolvency default defaults defaulted delisted fraud fraudulent',
  ),
  ...all(
    -1.8,
    'lawsuit lawsuits litigation probe probes investigation investigations fined halted halts delay delays',
  ),
];
