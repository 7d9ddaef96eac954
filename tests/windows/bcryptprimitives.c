/* Wine 8 has no bcryptprimitives.dll, which Rust's standard library takes its randomness from. This one passes the question on
   to the function that gave it before; Windows itself has both. */
#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) {
    return SystemFunction036(data, (ULONG)length);
}
