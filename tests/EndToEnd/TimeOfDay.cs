using System.Buffers.Binary;
using System.Diagnostics;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>
/// A time of day that a test sets for the programs that it starts around it, while they run. The time since the machine was booted
/// cannot be set, here as elsewhere: what waits by it waits as long as ever, and does not spin.
/// </summary>
internal sealed class TimeOfDay
{
    private static readonly Lazy<string> library = new(Compile);

    private readonly string file;

    /// <param name="folder">Where its file lies, readable for all.</param>
    /// <param name="ahead">By how much it is ahead of the machine's.</param>
    public TimeOfDay(string folder, TimeSpan ahead = default)
    {
        file = Path.Combine(folder, "time-of-day");
        File.WriteAllBytes(file, new byte[sizeof(long)]);
        Set(ahead);
    }

    /// <summary>The words to start a program with.</summary>
    public string[] Around => ["env", $"LD_PRELOAD={library.Value}", $"TIME_OF_DAY={file}"];

    /// <summary>Sets it, in one step.</summary>
    public void Set(TimeSpan ahead)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, (long)ahead.TotalSeconds);
        using var handle = File.OpenHandle(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.Write(handle, bytes, 0);
    }

    private static string Compile()
    {
        var made = Path.Combine(AppContext.BaseDirectory, "time_of_day.so");
        using var compiler = Process.Start("gcc", ["-shared", "-fPIC", "-O1", "-o", made, Path.Combine(World.Repository, "tests/EndToEnd/time_of_day.c")]);
        compiler.WaitForExit();
        Assert.Equal(0, compiler.ExitCode);
        return made;
    }
}
