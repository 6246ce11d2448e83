package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// fail prints an error and gives its exit code.
func (t *terminal) fail(err error) int {
	t.explain(err)
	return exitCode(err)
}

// explain prints what went wrong, where, after which rule, and what to do.
func (t *terminal) explain(err error) {
	text := err.Error()
	var st *status.Status
	var called *callError
	if errors.As(err, &called) {
		st, text = called.status, called.doing+": "+called.status.Message()
	}
	if st == nil {
		fmt.Fprintln(t.err, t.onErr.red("siegel: ")+text)
		return
	}
	bad := detail[*errdetails.BadRequest](st)
	if n := len(bad.GetFieldViolations()); n > 0 {
		text = called.doing + ": " + verdict(st.Code(), n)
	}
	fmt.Fprintln(t.err, t.onErr.red("siegel: ")+text)
	for _, v := range bad.GetFieldViolations() {
		printViolation(t.err, t, v)
	}
	if hint := advice(called, st); hint != "" {
		fmt.Fprintln(t.err, "  "+hint)
	}
}

// verdict says whose fault n violations are.
func verdict(code codes.Code, n int) string {
	if code == codes.FailedPrecondition {
		return "the server cannot do it, " + count(n, "thing is missing", "things are missing")
	}
	return "refused, " + count(n, "rule is broken", "rules are broken")
}

func printViolation(w io.Writer, t *terminal, v *errdetails.BadRequest_FieldViolation) {
	fmt.Fprintf(w, "  %s\n    %s\n    rule %s\n", t.onErr.bold(v.GetField()), v.GetDescription(), v.GetReason())
}

// advice says what the caller can do.
func advice(called *callError, st *status.Status) string {
	switch st.Code() {
	case codes.InvalidArgument:
		if called.order {
			return "Nothing was recorded. Correct the order and send it again; the same order id may be used."
		}
		return "Correct the command."
	case codes.FailedPrecondition:
		if called.order {
			return "The order is good and nothing was recorded. The operator of the server must act; then send the same order again."
		}
	case codes.AlreadyExists:
		if !called.order {
			return ""
		}
		return "The order id is bound to the content that was first recorded under it: send that content again, or use a new id for a new card.\n" +
			"  Even if the first order never became a card, its ICCSN and keys stay bound to its order id."
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted:
		return "Run the same command again later, or with a longer --timeout; a retry never makes a second card."
	case codes.Unauthenticated:
		return "Check --server, --data and --operator, or --ca, --cert and --key; or have the operator file of the server changed."
	case codes.PermissionDenied:
		return "Call as another operator (--operator), or have the operator file of the server changed."
	case codes.Internal:
		if r := detail[*errdetails.RequestInfo](st); r != nil {
			return "Give the request id " + r.GetRequestId() + " to the operator of the server."
		}
	}
	return ""
}

// detail gives the first detail of type T of a status, or the zero value.
func detail[T any](st *status.Status) T {
	for _, d := range st.Details() {
		if t, ok := d.(T); ok {
			return t
		}
	}
	var none T
	return none
}

// count writes a number with its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// callError is a call that failed, with what it was for.
type callError struct {
	doing  string // for example "issue the card of order.json"
	status *status.Status
	order  bool // an order was sent, see ofOrder
}

func (e *callError) Error() string              { return strings.Join([]string{e.doing, e.status.Message()}, ": ") }
func (e *callError) GRPCStatus() *status.Status { return e.status }

// ofOrder marks the failure of a call that sent an order: what to do about it differs.
func ofOrder(err error) error {
	var called *callError
	if errors.As(err, &called) {
		called.order = true
	}
	return err
}
