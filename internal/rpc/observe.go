package rpc

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
)

// call is what is known of a call under way. It belongs to the goroutine that serves the call.
type call struct {
	id          string    // 16 hex digits, random: ties an answer to the log
	operator    *Operator // nil until authorize found it
	fingerprint string    // of the client certificate; empty until authorize looked at it

	lasting context.Context // see lasting; streams only
}

type callKey struct{}

// callOf gives the call of a context that observe made.
func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

// newCall gives a call its id. One order of a stream is a call by itself, of the same caller.
func newCall(ctx context.Context) (context.Context, *call) {
	var id [8]byte
	rand.Read(id[:]) // never fails: crypto/rand ends the program instead
	c := &call{id: hex.EncodeToString(id[:])}
	if stream, ok := ctx.Value(callKey{}).(*call); ok {
		c.operator, c.fingerprint = stream.operator, stream.fingerprint
	}
	return context.WithValue(ctx, callKey{}, c), c
}

// observe gives a call its id, turns its error or panic into a status, writes its line in the server's log, and tells Config.Ended.
func (s *Server) observe(ctx context.Context, method string, serve func(context.Context) error) error {
	ctx, c := newCall(ctx)
	start := time.Now()
	err := recovered(func() error { return serve(ctx) })
	return s.conclude(ctx, c, method, start, err)
}

// recovered turns a panic into an error, so that a fault in one call does not end the others'.
func recovered(serve func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return serve()
}

// levels are those of codes that an operator of the server should see; the others are the caller's business.
var levels = map[codes.Code]slog.Level{
	codes.Internal: slog.LevelError, codes.FailedPrecondition: slog.LevelError, codes.Unavailable: slog.LevelWarn,
}

// conclude logs a call and gives its status as an error, nil where it went well. No request and no answer is logged.
func (s *Server) conclude(ctx context.Context, c *call, method string, start time.Time, err error) error {
	attrs := []slog.Attr{slog.String("request", c.id), slog.String("method", method)}
	if c.operator != nil {
		attrs = append(attrs, slog.String("operator", c.operator.Name))
	} else {
		attrs = append(attrs, slog.String("certificate_sha256", c.fingerprint))
	}
	if p, ok := peer.FromContext(ctx); ok {
		attrs = append(attrs, slog.String("peer", p.Addr.String()))
	}
	took := time.Since(start)
	attrs = append(attrs, slog.Float64("took_ms", float64(took.Microseconds())/1000))
	if err == nil {
		s.ended(method, codes.OK.String(), took)
		s.log.LogAttrs(ctx, slog.LevelInfo, "call", append(attrs, slog.String("code", codes.OK.String()))...)
		return nil
	}
	st := statusOf(err, c.id)
	s.ended(method, st.Code().String(), took)
	attrs = append(attrs, slog.String("code", st.Code().String()), slog.String("cause", err.Error()))
	s.log.LogAttrs(ctx, levels[st.Code()], "call failed", attrs...)
	return st.Err()
}
