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
		fmt.Fprintln(t.err, t.red("siegel: ")+text)
		return
	}
	bad := detail[*errdetails.BadRequest](st)
	if bad != nil {
		text = fmt.Sprintf("%s: refused, %s", called.doing, count(len(bad.GetFieldViolations()), "rule is broken", "rules are broken"))
	}
	fmt.Fprintln(t.err, t.red("siegel: ")+text)
	for _, v := range bad.GetFieldViolations() {
		printViolation(t.err, t, v)
	}
	if hint := advice(st); hint != "" {
		fmt.Fprintln(t.err, "  "+hint)
	}
}

func printViolation(w io.Writer, t *terminal, v *errdetails.BadRequest_FieldViolation) {
	fmt.Fprintf(w, "  %s\n    %s\n    rule %s\n", t.bold(v.GetField()), v.GetDescription(), v.GetReason())
}

// advice says what the caller can do.
func advice(st *status.Status) string {
	switch st.Code() {
	case codes.InvalidArgument:
		return "Nothing was recorded. Correct the order and send it again; the same order id may be used."
	case codes.AlreadyExists:
		return "Another order was sent under this id before. Choose a new order id, or look at the card with: siegel card --order ID"
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
}

func (e *callError) Error() string              { return strings.Join([]string{e.doing, e.status.Message()}, ": ") }
func (e *callError) GRPCStatus() *status.Status { return e.status }
