package inject

import "fmt"

// A denial is an error that the pod's author caused and can mend. It ends as a
// decision, never as a fault.
type denial struct {
	reason   Reason
	sentence string
}

func (d *denial) Error() string { return d.sentence }

func denied(reason Reason, format string, args ...any) error {
	return &denial{reason, fmt.Sprintf(format, args...)}
}

// A PanicError is a fault that nobody foresaw.
type PanicError struct {
	Cause any
	// Stack is for the log; nobody else is told.
	Stack []byte
}

// Error says what the panic said, without the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Cause) }
