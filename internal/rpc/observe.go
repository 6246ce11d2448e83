package rpc

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// call is what is known of a call under way. It belongs to the goroutine that serves the call.
type call struct {
	id       string    // 16 hex digits, random: ties an answer to the log
	operator *Operator // nil until authorize found it
}

type callKey struct{}

// callOf gives the call of a context that observe made.
func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

func newCall(ctx context.Context) (context.Context, *call) {
	var id [8]byte
	rand.Read(id[:]) // never fails: crypto/rand ends the program instead
	c := &call{id: hex.EncodeToString(id[:])}
	return context.WithValue(ctx, callKey{}, c), c
}

// observeUnary gives a call its id, turns its error or panic into a status, and writes its line in the server's log.
func (s *Server) observeUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	ctx, c := newCall(ctx)
	start := time.Now()
	var answer any
	err := recovered(func() (err error) { answer, err = next(ctx, req); return err })
	if err = s.conclude(ctx, c, info.FullMethod, start, err); err != nil {
		return nil, err
	}
	return answer, nil
}

// observeStream is observeUnary for streams. Their context ends when the server is asked to end, so that a health watcher does
// not hold it up.
func (s *Server) observeStream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx, c := newCall(ss.Context())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ending, cancel)()
	start := time.Now()
	err := recovered(func() error { return next(srv, observedStream{ss, ctx}) })
	return s.conclude(ctx, c, info.FullMethod, start, err)
}

// observedStream is a stream with the context of its call.
type observedStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s observedStream) Context() context.Context { return s.ctx }

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
	}
	attrs = append(attrs, slog.Float64("took_ms", float64(time.Since(start).Microseconds())/1000))
	if err == nil {
		s.log.LogAttrs(ctx, slog.LevelInfo, "call", append(attrs, slog.String("code", codes.OK.String()))...)
		return nil
	}
	st := statusOf(err, c.id)
	attrs = append(attrs, slog.String("code", st.Code().String()), slog.String("cause", err.Error()))
	s.log.LogAttrs(ctx, levels[st.Code()], "call failed", attrs...)
	return st.Err()
}
