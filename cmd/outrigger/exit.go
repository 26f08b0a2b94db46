package main

// Exit statuses, after sysexits.h where that has one. exitTable says what each means.
const (
	exitOK        = 0
	exitError     = 1
	exitDifferent = 1
	exitDiffError = 2
	exitSkipped   = 3
	exitDenied    = 4
	exitUsage     = 64
	exitFindings  = 79
)

// exitTable is part of the help, and of docs/cli.md.
const exitTable = `Exit status:
   0   done; of a diff: nothing differs
   1   an error; of a diff: something differs
   2   a diff that could not be made
   3   explain: a pod is skipped
   4   explain: a pod is refused
  64   a command line that is not understood
  79   analyze, check, precheck: there are findings at or above --failure-threshold`

// A statusError ends the program with a status of its own. Without an error in it
// everything has been said.
type statusError struct {
	status int
	error
}

func (s statusError) Error() string {
	if s.error == nil {
		return ""
	}
	return s.error.Error()
}

func (s statusError) Unwrap() error { return s.error }

// ofDiff is what a diff ends with: its error, or whether there was a difference.
func ofDiff(different bool, err error) error {
	switch {
	case err != nil:
		return statusError{exitDiffError, err}
	case different:
		return statusError{exitDifferent, nil}
	}
	return nil
}
