using System.Runtime.InteropServices;

namespace CertAuthority.Linux;

/// <summary>Becomes another program: terminal, signals and exit code are then all its own, Ctrl-C too.</summary>
public static partial class Execution
{
    /// <summary>Returns only by throwing.</summary>
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
