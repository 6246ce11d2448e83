// Command validateproto writes buf/validate/validate.proto below the folder named as its argument.
//
// The project's proto files import it for their field rules. Its Go form is a dependency of the server; printing the
// source from that form keeps the two at the same version and needs no second registry.
package main

import (
	"fmt"
	"os"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"github.com/jhump/protoreflect/v2/protoprint"
	"google.golang.org/protobuf/reflect/protoreflect"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: validateproto FOLDER")
		os.Exit(2)
	}
	files := []protoreflect.FileDescriptor{validate.File_buf_validate_validate_proto}
	if err := new(protoprint.Printer).PrintProtosToFileSystem(files, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "validateproto:", err)
		os.Exit(1)
	}
}
