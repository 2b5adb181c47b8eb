using System.ComponentModel;
using System.Diagnostics;
using CertAuthority.Linux;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>
/// Encrypts with the program age, which reads SSH public keys. The plain text goes through a pipe and is never in a file.
/// </summary>
/// <param name="recipients">A file with an SSH public key, or a recipient of age, on each line.</param>
internal sealed class AgeEncryption(string recipients)
{
    private const string Program = "age";

    /// <summary>Encrypts nothing, to find out before a long transfer whether the program and the keys are usable.</summary>
    /// <exception cref="FailureException">They are not.</exception>
    public async Task Try(CancellationToken cancellation)
    {
        try
        {
            var exit = await new ChildProcess(Program, ["-R", recipients]) { KeptOutput = 4096 }.Run(cancellation);
            if (exit.ExitCode != 0)
                throw Refused(exit.Error);
        }
        catch (IOException e) when (e.InnerException is Win32Exception)
        {
            throw new FailureException("--encrypt-to needs the program age, which is not installed here", "apt install age");
        }
    }

    /// <summary>Encrypts what is written, until the writer returns.</summary>
    /// <param name="write">Writes the plain text.</param>
    /// <param name="to">Gets the encrypted text.</param>
    /// <param name="cancellation">Cancels both.</param>
    /// <exception cref="FailureException">The program failed, so that what was written is not complete.</exception>
    public async Task Run(Func<Stream, Task> write, Stream to, CancellationToken cancellation)
    {
        using var age = Process.Start(new ProcessStartInfo(Program, ["-R", recipients])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
        try
        {
            var encrypted = age.StandardOutput.BaseStream.CopyToAsync(to, cancellation);
            var error = age.StandardError.ReadToEndAsync(cancellation);
            await using (var plain = age.StandardInput.BaseStream)
                await write(plain);
            await encrypted;
            await age.WaitForExitAsync(cancellation);
            if (age.ExitCode != 0)
                throw Refused(await error);
        }
        finally
        {
            if (!age.HasExited)
                age.Kill();
        }
    }

    // The first line says what is wrong; the second is about the program itself.
    private FailureException Refused(string said) =>
        new($"age does not encrypt to {recipients}: {said.Split('\n')[0].Replace("age: error: ", "", StringComparison.Ordinal)}");
}
