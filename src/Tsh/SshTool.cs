using System.Diagnostics;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>What a program of OpenSSH's answered.</summary>
/// <param name="ExitCode">0 where it did what it was asked.</param>
/// <param name="Output">Its stdout.</param>
/// <param name="Error">Its stderr, without the newline at the end.</param>
internal readonly record struct SshTool(int ExitCode, string Output, string Error)
{
    /// <summary>Runs one of them to its end, without input.</summary>
    /// <exception cref="FailureException">It is not installed.</exception>
    public static async Task<SshTool> Run(string program, string[] args, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(program, args)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        try
        {
            using var running = Process.Start(start)!;
            running.StandardInput.Close();
            var error = running.StandardError.ReadToEndAsync(cancellation);
            var output = await running.StandardOutput.ReadToEndAsync(cancellation);
            await running.WaitForExitAsync(cancellation);
            return new SshTool(running.ExitCode, output, (await error).Trim());
        }
        catch (System.ComponentModel.Win32Exception)
        {
            throw new FailureException($"{program} can not be started", "install the OpenSSH client");
        }
    }
}
