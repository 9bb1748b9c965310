// Plain scalar reference of each kernel of portfolios: what the fast ones are tested against. Never called by
// the addon.
#ifndef NAUTILUS_CPU_PORTFOLIO_REFERENCE_H_
#define NAUTILUS_CPU_PORTFOLIO_REFERENCE_H_

#include "core/generated/portfolio_args.h"
#include "core/status.h"

namespace nautilus::cpu::reference {

Status ScenarioPnl(ScenarioPnlArgs& args);
Status LimitUsage(LimitUsageArgs& args);
Status BrinsonAttribution(BrinsonAttributionArgs& args);
Status FactorAttribution(FactorAttributionArgs& args);

}  // namespace nautilus::cpu::reference

#endif  // NAUTILUS_CPU_PORTFOLIO_REFERENCE_H_
