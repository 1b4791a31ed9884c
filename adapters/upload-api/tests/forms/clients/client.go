// Go's standard library: client URL FILE FILE
package main

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
)

func main() {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	form.WriteField("UPLOADCARE_PUB_KEY", "demopublickey")
	form.WriteField("UPLOADCARE_STORE", "0")
	form.WriteField("metadata[note]", "Grüße")
	for number, field := range []string{"file", "second"} {
		path := os.Args[2+number]
		content, err := os.ReadFile(path)
		if err != nil {
			panic(err)
		}
		part, _ := form.CreateFormFile(field, filepath.Base(path))
		part.Write(content)
	}
	form.Close()
	if _, err := http.Post(os.Args[1], form.FormDataContentType(), &body); err != nil {
		panic(err)
	}
}
