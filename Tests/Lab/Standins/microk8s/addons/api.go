package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

const account = "/var/run/secrets/kubernetes.io/serviceaccount/"

// api speaks to the Kubernetes API with the pod's own service account.
type api struct {
	client *http.Client
	server string
}

func newAPI() *api {
	authority, err := os.ReadFile(account + "ca.crt")
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	return &api{
		client: &http.Client{
			Timeout:   5 * time.Second,
			Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}},
		},
		server: "https://" + os.Getenv("KUBERNETES_SERVICE_HOST") + ":" +
			os.Getenv("KUBERNETES_SERVICE_PORT"),
	}
}

// call sends one request. A conflict or a missing object is told by the status, not an error.
func (a *api) call(method, path string, body, into any) (int, error) {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return 0, err
		}
		sent = bytes.NewReader(text)
	}
	request, err := http.NewRequest(method, a.server+path, sent)
	if err != nil {
		return 0, err
	}
	token, err := os.ReadFile(account + "token")
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+string(token))
	request.Header.Set("Content-Type", "application/json")
	response, err := a.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err != nil {
		return 0, err
	}
	if response.StatusCode >= 300 {
		if response.StatusCode == 404 || response.StatusCode == 409 {
			return response.StatusCode, nil
		}
		return response.StatusCode, fmt.Errorf("%s %s: %s", method, path, response.Status)
	}
	if into != nil {
		return response.StatusCode, json.Unmarshal(text, into)
	}
	return response.StatusCode, nil
}

type meta struct {
	Name        string            `json:"name"`
	Namespace   string            `json:"namespace"`
	UID         string            `json:"uid"`
	Annotations map[string]string `json:"annotations"`
}
