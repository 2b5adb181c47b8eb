using System.Collections.Immutable;
using System.ComponentModel;
using System.Diagnostics;

namespace CertAuthority.Linux;

/// <summary>What the system says of an account's groups.</summary>
/// <param name="Groups">The names of all of them; none for an account that does not exist.</param>
/// <param name="Fault">Why they are not known; null when they are.</param>
sealed record Membership(ImmutableArray<string> Groups, string? Fault = null);

/// <summary>
/// Who is in which groups, asked from the system so that directory services answer too. They can hang, and a call of the C library
/// that hangs can not be taken back: so id(1) asks, and is killed when its time is over. An answer is good for a few seconds,
/// whatever it was, so that nobody can make the daemon run a program with each of his calls.
/// </summary>
sealed class Groups(TimeProvider clock)
{
    /// <summary>How long the system may take, turns included.</summary>
    public static readonly TimeSpan Within = TimeSpan.FromSeconds(3);

    /// <summary>How old an answer may be, from the question on.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromSeconds(5);

    // Beyond so many answers, old ones are let go.
    const int Many = 1000;

    readonly Dictionary<string, (Task<Membership> Answer, long Asked)> answers = new(StringComparer.Ordinal);

    // How many are asked for at once: of users, and of those who are none yet, who wait among themselves.
    readonly Dictionary<bool, SemaphoreSlim> turns = new() { [true] = new(4), [false] = new(2) };

    /// <summary>The groups of an account. Never fails: what went wrong is in the answer.</summary>
    /// <param name="account">A name that id can not take for an option or a uid.</param>
    /// <param name="isUser">Whether its groups made it a user before.</param>
    /// <param name="anew">Whether an answer from before is not good enough.</param>
    internal Task<Membership> Of(string account, bool isUser, bool anew = false)
    {
        lock (answers)
        {
            if (answers.Count > Many)
                foreach (var (other, answer) in answers.ToList())
                    if (IsOld(answer))
                        answers.Remove(other);
            if (!anew && answers.TryGetValue(account, out var last) && !IsOld(last))
                return last.Answer;
            var asked = Ask(account, turns[isUser]);
            answers[account] = (asked, clock.GetTimestamp());
            return asked;
        }
    }

    bool IsOld((Task<Membership> Answer, long Asked) answer) => answer.Answer.IsCompleted && clock.GetElapsedTime(answer.Asked) >= Kept;

    static async Task<Membership> Ask(string account, SemaphoreSlim turns)
    {
        // Not under the lock of whoever asks.
        await Task.Yield();
        using var limit = new CancellationTokenSource(Within);
        try
        {
            await turns.WaitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            return new Membership([], "too many wait for an answer already");
        }
        try
        {
            return await Run(account, limit.Token);
        }
        catch (OperationCanceledException)
        {
            return new Membership([], $"id did not answer within {Within.TotalSeconds} s");
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            return new Membership([], $"id can not be run: {e.Message}");
        }
        finally
        {
            turns.Release();
        }
    }

    static async Task<Membership> Run(string account, CancellationToken limit)
    {
        // NUL between the names: those of some directories have blanks in them.
        var start = new ProcessStartInfo("id", ["-Gnz", "--", account]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = "/" };
        start.Environment.Clear();
        start.Environment["LC_ALL"] = "C";
        using var id = Process.Start(start) ?? throw new IOException("it did not start");
        try
        {
            id.StandardInput.Close();
            var output = id.StandardOutput.ReadToEndAsync(limit);
            var errors = (await id.StandardError.ReadToEndAsync(limit)).Trim();
            var names = await output;
            await id.WaitForExitAsync(limit);
            if (id.ExitCode == 0)
                return new Membership([.. names.Split('\0', StringSplitOptions.RemoveEmptyEntries)]);
            // With a reason behind it, the system could not tell. Groups without a name are a fault too: one of them may be a group that denies.
            return errors.EndsWith("no such user", StringComparison.Ordinal) && !errors.Contains('\n')
                ? new Membership([])
                : new Membership([], errors.Length > 0 ? errors : $"id ended with {id.ExitCode}");
        }
        catch (OperationCanceledException)
        {
            id.Kill();
            throw;
        }
    }
}
