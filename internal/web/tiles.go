package web

import "net/http"

// Tiles gives the handler of the address for monitors of the log.
func Tiles() http.Handler { return routes{} }
