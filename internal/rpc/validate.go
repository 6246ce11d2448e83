package rpc

import (
	"errors"
	"fmt"
	"strings"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/siegel-pki/siegel/profiles"
)

// validate checks the shape of a request: the rules that stand beside the fields in the .proto files, and that no field is
// unknown here. A field that a newer client sends and this server does not know could change the meaning of an order, so that
// leaving it out silently would make another card than was ordered.
func (s *Server) validate(message proto.Message) error {
	if field, found := unknownField(message.ProtoReflect(), ""); found {
		return &profiles.Refusal{Violations: []profiles.Violation{shapeViolation(field, "UNKNOWN_FIELD",
			"holds a field that this server does not know; the client is newer than the server")}}
	}
	if err := s.validator.Validate(message); err != nil {
		return shapeError(err)
	}
	return nil
}

// shapeError gives protovalidate's violations the form of a planner's: one way to read a refusal.
func shapeError(err error) error {
	var invalid *protovalidate.ValidationError
	if !errors.As(err, &invalid) {
		return fmt.Errorf("check the shape of a request: %w", err)
	}
	r := &profiles.Refusal{}
	for _, v := range invalid.Violations {
		rule := "SHAPE_" + strings.ToUpper(strings.ReplaceAll(v.Proto.GetRuleId(), ".", "_"))
		field := protovalidate.FieldPathString(v.Proto.GetField())
		r.Violations = append(r.Violations, shapeViolation(field, rule, v.Proto.GetMessage()))
	}
	return r
}

// shapeViolation names the field as in the order's JSON, which has no request around it.
func shapeViolation(field, rule, message string) profiles.Violation {
	return profiles.Violation{
		Field: strings.TrimPrefix(field, "order."), Rule: rule, Citation: "siegel.v1, field rules", Message: message}
}

// unknownField gives the path of the first message in m that holds unknown fields.
func unknownField(m protoreflect.Message, path string) (string, bool) {
	if len(m.GetUnknown()) > 0 {
		return path, true
	}
	var where string
	var found bool
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if fd.Message() == nil || fd.IsMap() {
			return true
		}
		name := strings.TrimPrefix(path+"."+string(fd.Name()), ".")
		if !fd.IsList() {
			where, found = unknownField(v.Message(), name)
			return !found
		}
		for i := range v.List().Len() {
			if where, found = unknownField(v.List().Get(i).Message(), fmt.Sprintf("%s[%d]", name, i)); found {
				break
			}
		}
		return !found
	})
	return where, found
}
