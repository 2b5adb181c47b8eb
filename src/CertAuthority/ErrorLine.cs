using CertAuthority.Linux;
using CertAuthority.Protocol;

namespace CertAuthority;

/// <summary>Writes an error of the program to stderr, in one line: <c>certauthority: error: …</c>.</summary>
internal static class ErrorLine
{
    public static void Write(string message) =>
        Console.Error.WriteLine($"{Journal.ErrorPrefix}certauthority: error: {Printable.Escape(message)}");
}
