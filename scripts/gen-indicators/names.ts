// Names of an indicator in C++.

/** Returns the name of an indicator's C++ types: `Rsi`. */
export const pascal = (name: string): string => name[0]!.toUpperCase() + name.slice(1);
