// Paths of one underlying: a step of each process, and what is watched along a path. Every operation is that
// of native/cpu/montecarlo/processes-inl.h, so that the paths are those of the CPU in f32.
#include <metal_stdlib>
using namespace metal;

namespace montecarlo {

// One process with one set of parameters; the host fills it in, see native/metal/host/montecarlo_option.cc.
struct Model {
  float start;  // log at time 0
  float drift;
  float deviation;
  float step_years_root;
  float half_step_years;  // below 0
  // Merton: which of the numbers of the table are the thresholds of this model.
  uint first_threshold;
  uint thresholds;
  float jump_mean;
  float jump_deviation;
  // Heston.
  float start_variance;
  float decay;
  float mean_part;
  float spread_variance;
  float spread_mean;
  float k0_mean;
  float k1;
  float k2;
  float k3;
  float a;
  float plain;
  // Local volatility.
  float grid_shift;
  // What a payoff counts for, and what a control does, in two floats each; and what a sample is worth at
  // least.
  float scale[2];
  float control_scale[2];
  float known[2];
};

// Where the columns of a volatility grid lie.
struct Grid {
  uint columns;
  float low;
  float columns_per_log;
};

// Where a path stands: log(level / base), and the variance that Heston's has or the last step had.
struct Walker {
  float x;
  float variance;
};

// Geometric Brownian motion. Black, Scholes 1973.
struct Gbm {
  static constant constexpr uint kFactors = 1;

  static void Start(constant Model& m, thread Walker& w) {
    w.x = m.start;
    w.variance = m.deviation * m.deviation;
  }
  static void Step(constant Model& m, constant Grid&, device const float*, uint, thread const float (&z)[1],
                   thread Walker& w) {
    w.x = fma(m.deviation, z[0], w.x + m.drift);
  }
};

// Merton 1976. The third normal decides how many jumps a step has; the second one is the sum of their
// deviations.
struct Merton {
  static constant constexpr uint kFactors = 3;

  static void Start(constant Model& m, thread Walker& w) {
    w.x = m.start;
    w.variance = 0.0f;
  }
  static void Step(constant Model& m, constant Grid&, device const float* table, uint,
                   thread const float (&z)[3], thread Walker& w) {
    w.x = fma(m.deviation, z[0], w.x + m.drift);
    device const float* const thresholds = table + m.first_threshold;
    uint count = 0;
    while (count < m.thresholds && z[2] > thresholds[count]) ++count;
    const float jumps = float(count);
    w.x = fma(precise::sqrt(jumps) * m.jump_deviation, z[1], fma(jumps, m.jump_mean, w.x));
  }
};

// Heston 1993 by the quadratic-exponential scheme of Andersen 2008, with the martingale correction.
struct Heston {
  static constant constexpr uint kFactors = 2;

  static void Start(constant Model& m, thread Walker& w) {
    w.x = m.start;
    w.variance = m.start_variance;
  }
  static void Step(constant Model& p, constant Grid&, device const float*, uint, thread const float (&z)[2],
                   thread Walker& w) {
    const float variance = w.variance;
    const float m = fmax(fma(p.decay, variance, p.mean_part), 1e-20f);
    const float s2 = fma(p.spread_variance, variance, p.spread_mean);
    const float psi = fmax(s2 / (m * m), 1e-12f);
    float next;
    float log_mean;
    bool exists;
    if (psi <= 1.5f) {
      // Quadratic: a square of a normal.
      const float two_by_psi = 2.0f / psi;
      const float root = precise::sqrt(two_by_psi * fmax(two_by_psi - 1.0f, 0.0f));
      const float b2 = fmax((two_by_psi - 1.0f) + root, 0.0f);
      const float scale = m / (1.0f + b2);
      const float shifted = precise::sqrt(b2) + z[1];
      next = scale * (shifted * shifted);
      // log E exp(a v) of it; it exists while 2 a scale < 1.
      const float spare = fma(-(p.a + p.a), scale, 1.0f);
      const float safe = fmax(spare, 1e-3f);
      log_mean = p.a * b2 * scale / safe - 0.5f * Log(safe);
      exists = safe == spare;
    } else {
      // Exponential with an atom at 0.
      const float psi_plus = psi + 1.0f;
      const float atom = (psi - 1.0f) / psi_plus;
      const float beta = 2.0f / (m * psi_plus);
      const float upper = NormalUpperTail(z[1]);
      const float below = 1.0f - atom;
      next = upper < below ? Log(below / fmax(upper, 1e-37f)) / beta : 0.0f;
      const float gap = beta - p.a;
      const float safe = fmax(gap, beta * 1e-3f);
      log_mean = Log(atom + beta * below / safe);
      exists = safe == gap;
    }
    const float k0 = exists ? -fma(p.plain, variance, log_mean) : p.k0_mean;
    const float spread = precise::sqrt(p.k3 * fmax(variance + next, 0.0f));
    w.x = (w.x + p.drift) + fma(p.k1, variance, fma(p.k2, next, fma(spread, z[0], k0)));
    w.variance = next;
  }
};

// Dupire 1994, by Euler steps of the log; the volatility is that of the grid where a step begins.
struct LocalVol {
  static constant constexpr uint kFactors = 1;

  static void Start(constant Model& m, thread Walker& w) {
    w.x = m.start;
    w.variance = 0.0f;
  }
  static void Step(constant Model& m, constant Grid& grid, device const float* table, uint step,
                   thread const float (&z)[1], thread Walker& w) {
    const float last = float(grid.columns - 1);
    const float at = fmin(fmax((w.x - grid.low) * grid.columns_per_log, 0.0f), last);
    // The last column has no right neighbour: its cell is the one before it, at its end.
    const float cell = fmin(floor(at), last - 1.0f);
    device const float* const row = table + ulong(step) * grid.columns + uint(cell);
    const float volatility = fma(row[1] - row[0], at - cell, row[0]) + m.grid_shift;
    const float square = volatility * volatility;
    w.variance = square * m.step_years_root * m.step_years_root;
    w.x = fma(volatility * m.step_years_root, z[0], fma(square, m.half_step_years, w.x + m.drift));
  }
};

// What is known of a path at its end, as levels.
struct Ends {
  float spot;
  float mean;
  float geometric_mean;
  float high;
  float low;
  float survival;  // probability that the barrier was not crossed
};

// What all paths of an option share.
struct Levels {
  float base;
  float barrier;   // log
  float by_steps;  // 1 / steps
};

struct WatchEnd {
  void Start(float) thread {}
  void See(constant Levels&, float, thread const Walker&) thread {}
  void Save(constant Levels&, thread Ends&) const thread {}
};

struct WatchMeans {
  float levels;
  float logs;

  void Start(float) thread {
    levels = 0.0f;
    logs = 0.0f;
  }
  void See(constant Levels&, float, thread const Walker& w) thread {
    levels += Exp(w.x);
    logs += w.x;
  }
  void Save(constant Levels& p, thread Ends& ends) const thread {
    ends.mean = levels * p.by_steps * p.base;
    ends.geometric_mean = Exp(logs * p.by_steps) * p.base;
  }
};

struct WatchExtremes {
  float high;
  float low;

  void Start(float x) thread {
    high = x;
    low = x;
  }
  void See(constant Levels&, float, thread const Walker& w) thread {
    high = fmax(high, w.x);
    low = fmin(low, w.x);
  }
  void Save(constant Levels& p, thread Ends& ends) const thread {
    ends.high = Exp(high) * p.base;
    ends.low = Exp(low) * p.base;
  }
};

// The probability that a Brownian bridge between the steps stays on its side of the barrier; Glasserman
// 2003, 6.4.
struct WatchCrossing {
  float survival;

  void Start(float) thread { survival = 1.0f; }
  void See(constant Levels& p, float before, thread const Walker& w) thread {
    const float product = (p.barrier - before) * (p.barrier - w.x);
    const float exponent = -2.0f * product / fmax(w.variance, 1e-30f);
    const float stays = 1.0f - Exp(fmax(exponent, -80.0f));
    survival = product > 0.0f ? survival * stays : 0.0f;
  }
  void Save(constant Levels&, thread Ends& ends) const thread { ends.survival = survival; }
};

}  // namespace montecarlo
