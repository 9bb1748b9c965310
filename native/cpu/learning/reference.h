// Plain scalar reference of each kernel of machine learning: what the fast ones are tested against. Never
// called by the addon.
#ifndef NAUTILUS_CPU_LEARNING_REFERENCE_H_
#define NAUTILUS_CPU_LEARNING_REFERENCE_H_

#include "core/generated/learning_args.h"
#include "core/status.h"

namespace nautilus::cpu::reference {

Status TreeHistograms(TreeHistogramsArgs& args);
Status CoordinateDescent(CoordinateDescentArgs& args);
// From `start` only; without centres that lose all rows.
Status Kmeans(KmeansArgs& args);
Status Dbscan(DbscanArgs& args);
// For a few rows: it tries every path.
Status HmmStates(HmmStatesArgs& args);
Status LinearLogLoss(LinearLogLossArgs& args);

}  // namespace nautilus::cpu::reference

#endif  // NAUTILUS_CPU_LEARNING_REFERENCE_H_
