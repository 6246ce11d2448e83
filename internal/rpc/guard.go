package rpc

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	protocodec "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
)

// guarded registers services so that every call takes the road of the package comment. It stands where interceptors could stand,
// because gRPC runs those of unary calls only after it has decoded the request: a stranger would reach the decoder, and a request
// that cannot be decoded would leave no line in the log.
type guarded struct{ *Server }

// RegisterService registers a service with each of its methods behind observe and authorize.
func (g guarded) RegisterService(desc *grpc.ServiceDesc, implementation any) {
	service := *desc
	service.Methods, service.Streams = nil, nil
	for _, m := range desc.Methods {
		m.Handler = g.unary("/"+desc.ServiceName+"/"+m.MethodName, m.Handler)
		service.Methods = append(service.Methods, m)
	}
	for _, m := range desc.Streams {
		m.Handler = g.stream("/"+desc.ServiceName+"/"+m.StreamName, m.Handler)
		service.Streams = append(service.Streams, m)
	}
	g.grpc.RegisterService(&service, implementation)
}

// GetServiceInfo lists what is registered, for reflection.
func (g guarded) GetServiceInfo() map[string]grpc.ServiceInfo { return g.grpc.GetServiceInfo() }

// unary guards a method with one request and one answer.
func (g guarded) unary(method string, handler grpc.MethodHandler) grpc.MethodHandler {
	return func(implementation any, ctx context.Context, receive func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		var answer any
		err := g.observe(ctx, method, func(ctx context.Context) error {
			if err := g.authorize(ctx, method); err != nil {
				return err
			}
			var err error
			answer, err = handler(implementation, ctx, g.reader(receive), nil)
			return err
		})
		if err != nil {
			return nil, err
		}
		return answer, nil
	}
}

// stream guards a method with a stream. Its context ends when the server is asked to end, so that a health watcher does not hold
// it up; lasting gives one that does not.
func (g guarded) stream(method string, handler grpc.StreamHandler) grpc.StreamHandler {
	return func(implementation any, ss grpc.ServerStream) error {
		return g.observe(ss.Context(), method, func(ctx context.Context) error {
			if err := g.authorize(ctx, method); err != nil {
				return err
			}
			callOf(ctx).lasting = ctx
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			defer context.AfterFunc(g.ending, cancel)()
			read := g.reader(ss.RecvMsg)
			return handler(implementation, guardedStream{ss, ctx, func(message any) error {
				if err := read(message); err != nil {
					return err
				}
				return g.admitStill(ctx, method)
			}})
		})
	}
}

// lasting gives the context for work of a stream that the server finishes when it is asked to end: it ends with the client, or after
// Config.Grace.
func lasting(ctx context.Context) context.Context { return callOf(ctx).lasting }

// guardedStream is a stream with the context of its call, whose messages are validated.
type guardedStream struct {
	grpc.ServerStream
	ctx     context.Context
	receive func(any) error
}

func (s guardedStream) Context() context.Context  { return s.ctx }
func (s guardedStream) RecvMsg(message any) error { return s.receive(message) }

// reader joins the receipt of a request with its decoding and the check of its shape.
func (g guarded) reader(receive func(any) error) func(any) error {
	return func(message any) error {
		var data octets
		if err := receive(&data); err != nil {
			return err
		}
		request, ok := message.(proto.Message)
		if !ok {
			return fmt.Errorf("request of type %T is no message", message)
		}
		if err := proto.Unmarshal(data, request); err != nil {
			return &malformedError{err}
		}
		return g.validate(request)
	}
}

// octets is a request as it was received.
type octets []byte

// lateCodec leaves requests in octets for reader to decode. gRPC answers INTERNAL by itself, before the handler can say anything, where
// a codec fails; and whose fault a request is that cannot be decoded is for this package to say.
type lateCodec struct{ encoding.CodecV2 }

func newLateCodec() lateCodec { return lateCodec{encoding.GetCodecV2(protocodec.Name)} }

func (c lateCodec) Unmarshal(data mem.BufferSlice, v any) error {
	if o, late := v.(*octets); late {
		*o = data.Materialize()
		return nil
	}
	return c.CodecV2.Unmarshal(data, v)
}

// malformedError says that a request is no message of the method's type. The decoder's words go to the log only.
type malformedError struct{ err error }

func (e *malformedError) Error() string { return "the request cannot be decoded: " + e.err.Error() }
func (e *malformedError) Unwrap() error { return e.err }
