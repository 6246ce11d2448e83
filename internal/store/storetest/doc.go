// Package storetest is the contract of ca.Store and ca.LogStore as tests.
//
//   - Exercise runs the suite that every store must pass. One file for each story: intend.go, take.go (what is unique),
//     malformed.go, end.go, read.go, review.go, race.go, keep.go.
//   - ExerciseLog does the same for ca.LogStore (log.go), and CheckLog derives the tree anew.
//   - Check sweeps over a store and names every invariant that does not hold. The suite does it after each case; tests of
//     faults and of chaos do it after theirs.
//   - Faulty puts a store that fails on command before another.
//   - NewIntent, NewCompletion and NewEntry (sample.go) make what a store is fed with.
//
// It is used by tests only.
package storetest
