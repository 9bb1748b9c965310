// Words that change the valence of words near them, and idioms: those of vaderSentiment 3.3.2, copyright (c) 2016 C.J. Hutto, MIT licence (Hutto and Gilbert, ICWSM 2014).

/** What an intensifier or a dampener adds: the mean change that people gave it. */
const INCREASE = 0.293;

const words = (text: string) => text.trim().split(/\s+/);

/** Words that turn around what follows; any word with "n't" does as well. */
export const NEGATIONS: ReadonlySet<string> = new Set(
  words(`
    aint arent cannot cant couldnt darent didnt doesnt dont hadnt hasnt havent isnt mightnt mustnt neither
    neednt never none nope nor not nothing nowhere oughtnt shant shouldnt uhuh uh-uh wasnt werent without
    wont wouldnt rarely seldom despite
  `),
);

const INTENSIFIERS = words(`
  absolutely amazingly awfully completely considerable considerably decidedly deeply effing enormous enormously
  entirely especially exceptional exceptionally extreme extremely fabulously flipping flippin frackin fracking
  fricking frickin frigging friggin fully fuckin fucking fuggin fugging greatly hella highly hugely incredible
  incredibly intensely major majorly more most particularly purely quite really remarkably so substantially
  thoroughly total totally tremendous tremendously uber unbelievably unusually utter utterly very
`);
const DAMPENERS = [
  ...words(`
    almost barely hardly kinda kindof kind-of less little marginal marginally occasional occasionally partly
    scarce scarcely slight slightly somewhat sorta sortof sort-of
  `),
  'just enough',
  'kind of',
  'sort of',
];

/** What each intensifier adds to the valence of what follows, and each dampener takes away. */
export const BOOSTERS: ReadonlyMap<string, number> = new Map([
  ...INTENSIFIERS.map((word): [string, number] => [word, INCREASE]),
  ...DAMPENERS.map((word): [string, number] => [word, -INCREASE]),
]);

/** Phrases whose valence is not that of their words. */
export const PHRASES: ReadonlyMap<string, number> = new Map([
  ['the shit', 3],
  ['the bomb', 3],
  ['bad ass', 1.5],
  ['badass', 1.5],
  ['bus stop', 0],
  ['yeah right', -2],
  ['kiss of death', -1.5],
  ['to die for', 3],
  ['beating heart', 3.5],
]);
