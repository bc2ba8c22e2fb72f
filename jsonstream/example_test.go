package jsonstream_test

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/calwatch/calwatch/jsonstream"
)

func ExampleDecoder_Next() {
	// In a program this is the body of a response that stays open for hours.
	body := strings.NewReader(`{"@odata.context":"metadata#Notifications","value":[
		{"Status":"Ok"},
		{"ChangeType":"Created","Id":"AAMk1"}
	]}`)

	d := jsonstream.NewDecoder(body, nil)
	for {
		element, err := d.Next()
		if errors.Is(err, jsonstream.ErrTooLarge) {
			fmt.Println("an element was left out")
			continue
		}
		if err == io.EOF {
			fmt.Println("the document is complete")
			break
		}
		if err != nil {
			fmt.Println("the stream broke:", err)
			break
		}
		fmt.Printf("%s\n", element)
	}
	// Output:
	// {"Status":"Ok"}
	// {"ChangeType":"Created","Id":"AAMk1"}
	// the document is complete
}

func ExampleDecoder_Member() {
	body := strings.NewReader(`{"error":{"code":"ErrorAccessDenied"}}`)

	d := jsonstream.NewDecoder(body, nil)
	_, err := d.Next()
	fmt.Println(err)
	fmt.Printf("%s\n", d.Member("error"))
	// Output:
	// jsonstream: offset 37: the document ends here, and member "value" was never met
	// {"code":"ErrorAccessDenied"}
}

func ExampleValues() {
	type notification struct{ ChangeType, ID string }

	// The connection breaks in the second element.
	body := strings.NewReader(`{"value":[{"ChangeType":"Created","ID":"AAMk1"},{"ChangeType":"Upda`)

	for n, err := range jsonstream.Values[notification](body, nil) {
		if err != nil {
			fmt.Println("truncated:", errors.Is(err, io.ErrUnexpectedEOF))
			break
		}
		fmt.Println(n.ChangeType, n.ID)
	}
	// Output:
	// Created AAMk1
	// truncated: true
}
