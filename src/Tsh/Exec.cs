using System.Runtime.InteropServices;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>Becomes another program: terminal, signals and exit code are then all its own, Ctrl-C too.</summary>
internal static partial class Exec
{
    /// <summary>Returns only by throwing.</summary>
    /// <param name="argv">The program, found through PATH, and its arguments.</param>
    public static int Replace(string[] argv)
    {
        _ = execvp(argv[0], [.. argv, null]);
        throw new FailureException($"{argv[0]} cannot be started: {Marshal.GetLastPInvokeErrorMessage()}", "install the OpenSSH client");
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int execvp(string file, string?[] argv);
}
