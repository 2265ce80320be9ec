/* SPDX-License-Identifier: Apache-2.0
 * What stands in a virtual table where a class has promised a function and given none, under the name that compilers
 * for ELF look for; those for Windows call the kernel's own. In a file of its own: only an image that has such a table
 * is to import it. */
__attribute__((noreturn)) extern int _purecall(void);

void __cxa_pure_virtual(void);
void __cxa_pure_virtual(void) {
  _purecall();
}
