// The scheduler of a threadgroup: runs what can run, releases barriers and simdgroups or finds them stuck.
#include "test/swmetal/group.h"

#include <algorithm>

#include "test/swmetal/faults.h"
#include "test/swmetal/geometry.h"

namespace swm {
namespace {

thread_local Group* running = nullptr;

}  // namespace

Group* Group::Running() { return running; }

void Group::ThreadMain(void* thread) {
  auto* self = static_cast<Thread*>(thread);
  Call(*self->function, self->self);
  *self->state = State::kEnded;
}

void Group::Run(const Dispatch& dispatch, uint64_t group, const swm_thread& shared, Schedule* schedule) {
  swm_thread here = shared;
  count_ = EnterGroup(dispatch, group, &here);
  ended_ = 0;
  schedule_ = schedule;
  kernel_ = dispatch.function->name;
  while (threads_.size() < count_) threads_.push_back(std::make_unique<Thread>());
  for (uint32_t index = 0; index < count_; ++index) {
    Thread& thread = *threads_[index];
    thread.self = here;
    EnterThread(index, &thread.self);
    thread.function = dispatch.function;
    thread.state = &states_[index];
    states_[index] = State::kReady;
    thread.turn = 0;
    thread.fiber.Start(&Group::ThreadMain, &thread);
  }
  running = this;
  schedule_->Fill(&order_, count_);
  for (;;) {
    RunReady();
    if (ended_ == count_) break;
    if (ReleaseSimdgroups() || ReleaseBarrier()) continue;
    Fail("threadgroup_barrier or simdgroup operation that not every thread reaches");
  }
  running = nullptr;
}

void Group::RunReady() {
  if (schedule_->Random()) schedule_->Fill(&order_, count_);
  for (bool stopped = true; stopped;) {
    stopped = false;
    for (const uint32_t index : order_) {
      if (states_[index] != State::kReady) continue;
      current_ = threads_[index].get();
      current_->fiber.Resume();
      if (states_[index] == State::kEnded) ++ended_;
      stopped |= states_[index] == State::kReady;
    }
  }
  current_ = nullptr;
}

bool Group::ReleaseSimdgroups() {
  bool released = false;
  const uint32_t simdgroups = (count_ + SWM_LANES - 1) / SWM_LANES;
  schedule_->Fill(&simdgroup_order_, simdgroups);
  for (const uint32_t simdgroup : simdgroup_order_) {
    // Forward, simdgroups keep step. Otherwise one goes ahead as far as it can, so that what it should have
    // waited for at a barrier shows.
    if (released && !schedule_->Forward()) break;
    const uint32_t first = simdgroup * SWM_LANES;
    const uint32_t last = std::min<uint32_t>(first + SWM_LANES, count_);
    if (std::find(states_ + first, states_ + last, State::kAtSimdgroup) == states_ + last) continue;
    const void* site = nullptr;
    uint32_t lanes = 0;
    for (uint32_t index = first; index < last; ++index) {
      if (states_[index] == State::kEnded) continue;
      if (states_[index] == State::kAtBarrier) {
        Fail("simdgroup operation while threads of the simdgroup wait at a threadgroup_barrier");
      }
      if (site && site != sites_[index]) Fail("simdgroup operation in divergent control flow");
      site = sites_[index];
      lanes |= 1u << (index - first);
    }
    met_[first / SWM_LANES] = lanes;
    std::replace(states_ + first, states_ + last, State::kAtSimdgroup, State::kReady);
    released = true;
  }
  return released;
}

bool Group::ReleaseBarrier() {
  if (ended_ != 0) return false;
  for (uint32_t index = 0; index < count_; ++index) {
    if (sites_[index] != sites_[0]) Fail("threads wait at different barriers");
  }
  std::fill(states_, states_ + count_, State::kReady);
  return true;
}

void Group::Wait(State state, const void* site) {
  Thread* self = current_;
  *self->state = state;
  sites_[self->self.index_in_group[0]] = site;
  self->fiber.Suspend();
}

void Group::Barrier(uint32_t scope, const void* site) {
  Wait(scope == SWM_GROUP_BARRIER ? State::kAtBarrier : State::kAtSimdgroup, site);
}

void Group::Publish(uint32_t slot, uint32_t word) { current_->words[current_->turn][slot] = word; }

uint32_t Group::Meet(const void* site) {
  Wait(State::kAtSimdgroup, site);
  current_->turn ^= 1;
  return met_[current_->self.simd_index[0]];
}

uint32_t Group::Peek(uint32_t slot, uint32_t lane) const {
  const uint32_t index = current_->self.simd_index[0] * SWM_LANES + lane;
  return lane < SWM_LANES && index < count_ ? threads_[index]->words[current_->turn ^ 1][slot] : 0;
}

void Group::Gather(uint32_t slot, uint32_t* words) const {
  for (uint32_t lane = 0; lane < SWM_LANES; ++lane) words[lane] = Peek(slot, lane);
}

uint32_t Group::Lane() const { return current_->self.lane[0]; }

bool Group::AtomicPoint() {
  if (!schedule_->Random()) return false;
  if (schedule_->Chance(4)) current_->fiber.Suspend();
  return schedule_->Chance(8);
}

void Group::Fail(const char* what) const {
  Misuse("kernel %s: %s (threadgroup %u, %u, %u)", kernel_, what, threads_[0]->self.group_position[0],
         threads_[0]->self.group_position[1], threads_[0]->self.group_position[2]);
}

}  // namespace swm
