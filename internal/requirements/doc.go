// Package requirements writes docs/requirements.md, as a test: which requirement of the specifications stands where. For each id that anything
// here cites it lists the fields of the profile files, the rules of planner, loader and lint, the code, and the tests that name the id or one of
// these rules.
//
//	go test ./internal/requirements -update
//
// The files are read in-process, so that the test runs again when one of them changes.
//
//   - requirements_test.go: the test, and the page
//   - catalogue_test.go: profile files and rules of lint; source_test.go: rules and citations in code; tests_test.go: tests and their data
package requirements
