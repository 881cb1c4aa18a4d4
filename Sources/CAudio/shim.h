#include <chromaprint.h>
#include <ebur128.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libavutil/tx.h>
#include <libswresample/swresample.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// Values that are macros with casts, which Swift cannot import.
static const int CAUDIO_ERROR_EOF = AVERROR_EOF;
static const int64_t CAUDIO_NO_TIMESTAMP = AV_NOPTS_VALUE;

// prctl(2) and syscall(2) are variadic, which Swift cannot call.
static inline int caudio_prctl(int option, unsigned long argument) { return prctl(option, argument, 0, 0, 0); }
static inline long caudio_syscall(long number, long first, long second, long third) {
    return syscall(number, first, second, third);
}
