package web

import (
	"net/http"
	"slices"
	"strings"
)

// routes finds the handler of a path: 404 where there is none, 405 where it does not know the method. It takes the path as it
// is. http.ServeMux does not: it sends a reader of "/ocsp/MEU//x" to "/ocsp/MEU/x", and "/" is a digit of base64 in an OCSP request
// (RFC 6960, Appendix A.1).
type routes []route

type route struct {
	path    string // where it ends in "/", everything below belongs to it; the handler gets what is behind it as URL.Path
	exact   bool   // nothing below belongs to it all the same
	methods []string
	handler http.Handler
}

// read adds a handler for GET and HEAD.
func (rs *routes) read(path string, h http.HandlerFunc) {
	rs.add(path, h, http.MethodGet, http.MethodHead)
}

// add adds a handler for some methods.
func (rs *routes) add(path string, h http.Handler, methods ...string) {
	if strings.HasSuffix(path, "/") {
		h = http.StripPrefix(path, h)
	}
	*rs = append(*rs, route{path: path, methods: methods, handler: h})
}

// addExact adds a handler for a path alone, whatever it ends in.
func (rs *routes) addExact(path string, h http.Handler, methods ...string) {
	*rs = append(*rs, route{path: path, exact: true, methods: methods, handler: h})
}

// ServeHTTP implements http.Handler.
func (rs routes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, route := range rs {
		if !route.match(r.URL.Path) {
			continue
		}
		if !slices.Contains(route.methods, r.Method) {
			w.Header().Set("Allow", strings.Join(route.methods, ", "))
			fail(w, http.StatusMethodNotAllowed)
			return
		}
		if a, ok := w.(*answer); ok { // it is one in a Server
			a.route = route.path
		}
		route.handler.ServeHTTP(w, r)
		return
	}
	fail(w, http.StatusNotFound)
}

func (r route) match(path string) bool {
	if strings.HasSuffix(r.path, "/") && !r.exact {
		return strings.HasPrefix(path, r.path) && path != r.path
	}
	return path == r.path
}
