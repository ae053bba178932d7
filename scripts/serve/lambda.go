package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"databrain-rotation/pkg/standin/runtimetest"
)

// lambda is the endpoint that aws lambda invoke calls, for the built functions by
// their logical ids: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
func lambda(ctx context.Context, functions map[string]*runtimetest.Function) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2015-03-31/functions/{name}/invocations", func(w http.ResponseWriter, r *http.Request) {
		function, known := functions[r.PathValue("name")]
		if !known {
			refuse(w, http.StatusNotFound, "ResourceNotFoundException", "Function not found: "+r.PathValue("name"))
			return
		}
		if kind := r.Header.Get("X-Amz-Invocation-Type"); kind != "" && kind != "RequestResponse" {
			refuse(w, http.StatusBadRequest, "InvalidParameterValueException", "the stand-in waits for every answer")
			return
		}
		payload, err := io.ReadAll(r.Body)
		if err != nil {
			refuse(w, http.StatusBadRequest, "InvalidRequestContentException", "the payload ended early")
			return
		}
		if len(payload) == 0 {
			payload = []byte("{}")
		}
		result, err := function.Invoke(ctx, payload, runtimetest.Options{})
		if err != nil {
			refuse(w, http.StatusInternalServerError, "ServiceException", err.Error())
			return
		}
		if result.Err != nil {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
		}
		w.Header().Set("X-Amz-Executed-Version", "$LATEST")
		w.Header().Set("Content-Type", "application/json")
		w.Write(result.Payload)
	})
	return mux
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", code)
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"Type": "User", "Message": message})
}
