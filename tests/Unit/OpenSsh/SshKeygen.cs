using System.Diagnostics;

namespace CertAuthority.Tests.Unit;

/// <summary>The foreign judge.</summary>
internal static class SshKeygen
{
    /// <summary>Runs ssh-keygen, in UTC, and gives its exit code and everything it printed.</summary>
    internal static (int ExitCode, string Output) Run(params string[] arguments)
    {
        var start = new ProcessStartInfo("ssh-keygen", arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["TZ"] = "UTC" },
        };
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + error.Result);
    }
}

/// <summary>A folder that is gone with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly string path = Directory.CreateTempSubdirectory("certauthority-").FullName;

    public void Dispose() => Directory.Delete(path, recursive: true);

    internal string File(string name) => Path.Combine(path, name);

    internal string File(string name, string content)
    {
        System.IO.File.WriteAllText(File(name), content);
        return File(name);
    }

    internal string File(string name, byte[] content)
    {
        System.IO.File.WriteAllBytes(File(name), content);
        return File(name);
    }

    internal IEnumerable<string?> Names => Directory.EnumerateFiles(path).Select(Path.GetFileName).Order();
}
