using System.Runtime.InteropServices;

namespace CertAuthority.Linux;

/// <summary>
/// Replaces this process with another program, which then controls the terminal, signals (including Ctrl-C) and the exit code.
/// </summary>
public static partial class Execution
{
    /// <summary>Replaces the process; returns only by throwing.</summary>
    /// <param name="argv">The program, found through PATH, and its arguments.</param>
    /// <exception cref="IOException">It cannot be started.</exception>
    public static int Replace(string[] argv)
    {
        _ = ExecVp(argv[0], [.. argv, null]);
        throw new IOException($"{argv[0]} cannot be started: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [LibraryImport("libc", EntryPoint = "execvp", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ExecVp(string file, string?[] argv);
}
