// Package doctor looks for settings of the MTA that bypass or defeat postseal.
//
// To add a check:
//
//  1. Write a function from *Site to findings in the file of its family, such as
//     postfix_services.go. It fills in Setting, Service, Effect and Fix.
//  2. Add it with its id and severity to the list at the top of that file.
//  3. Give it a row in the test of the file, on a Postfix made by fakePostfix.
//  4. Show the effect and the fix on a real MTA in milter/mtatest/doctor_*_test.go.
//  5. Describe the id in FINDINGS OF DOCTOR in postseal(8).
package doctor
