// Products of matrices by MetalPerformanceShaders.
#import <MetalPerformanceShaders/MetalPerformanceShaders.h>

#include <cmath>

#include "test/check.h"
#include "test/swmetal/selftest/gpu.h"
#include "test/swmetal/selftest/tools.h"

using swm::test::Abort;
using swm::test::Contains;
using swm::test::Gpu;

namespace {

constexpr int kRows = 5, kColumns = 7, kInner = 3, kPad = 2;

// Rows of `columns` values and two more that belong to no matrix.
MPSMatrix* Matrix(id<MTLBuffer> buffer, int rows, int columns) {
  MPSMatrixDescriptor* shape = [MPSMatrixDescriptor matrixDescriptorWithRows:rows
                                                                     columns:columns
                                                                    rowBytes:(columns + kPad) * sizeof(float)
                                                                    dataType:MPSDataTypeFloat32];
  return [[[MPSMatrix alloc] initWithBuffer:buffer descriptor:shape] autorelease];
}

std::vector<float> Padded(int rows, int columns, uint32_t seed) {
  std::vector<float> values = nautilus::test::Normal<float>(rows * (columns + kPad), seed);
  for (int row = 0; row < rows; ++row) {
    for (int column = columns; column < columns + kPad; ++column)
      values[row * (columns + kPad) + column] = NAN;
  }
  return values;
}

void CheckProduct(Gpu& gpu, bool turn_left, bool turn_right, double alpha, double beta) {
  const int left_rows = turn_left ? kInner : kRows, left_columns = turn_left ? kRows : kInner;
  const int right_rows = turn_right ? kColumns : kInner, right_columns = turn_right ? kInner : kColumns;
  const std::vector<float> a = Padded(left_rows, left_columns, 1), b = Padded(right_rows, right_columns, 2);
  const std::vector<float> c = Padded(kRows, kColumns, 3);
  id<MTLBuffer> result = gpu.Buffer(c);
  MPSMatrixMultiplication* product = [[[MPSMatrixMultiplication alloc] initWithDevice:gpu.device()
                                                                        transposeLeft:turn_left
                                                                       transposeRight:turn_right
                                                                           resultRows:kRows
                                                                        resultColumns:kColumns
                                                                      interiorColumns:kInner
                                                                                alpha:alpha
                                                                                 beta:beta] autorelease];
  id<MTLCommandBuffer> commands = [gpu.queue() commandBuffer];
  [product encodeToCommandBuffer:commands
                      leftMatrix:Matrix(gpu.Buffer(a), left_rows, left_columns)
                     rightMatrix:Matrix(gpu.Buffer(b), right_rows, right_columns)
                    resultMatrix:Matrix(result, kRows, kColumns)];
  Gpu::Finish(commands);
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kColumns; ++j) {
      double sum = 0;
      for (int k = 0; k < kInner; ++k) {
        const float x = turn_left ? a[k * (left_columns + kPad) + i] : a[i * (left_columns + kPad) + k];
        const float y = turn_right ? b[j * (right_columns + kPad) + k] : b[k * (right_columns + kPad) + j];
        sum += double{x} * double{y};
      }
      const int at = i * (kColumns + kPad) + j;
      const double want = alpha * sum + (beta != 0 ? beta * double{c[at]} : 0.0);
      // Three products of a few units each, in float.
      CHECK(std::fabs(Gpu::Read<float>(result)[at] - want) < 1e-5, "%d, %d", i, j);
    }
    CHECK(std::isnan(Gpu::Read<float>(result)[i * (kColumns + kPad) + kColumns]));
  }
}

}  // namespace

TEST("a product of matrices takes each transposed or not, scaled, added to what was there") {
  Gpu gpu("basics.metal");
  CHECK(MPSSupportsMTLDevice(gpu.device()));
  CheckProduct(gpu, false, false, 1, 0);
  CheckProduct(gpu, true, false, 1, 0);
  CheckProduct(gpu, false, true, 2, 0);
  CheckProduct(gpu, true, true, 0.5, 3);
}

TEST("a matrix larger than its buffer, or than a product needs, is refused") {
  Gpu gpu("basics.metal");
  id<MTLBuffer> buffer = gpu.Buffer(std::vector<float>(9 * 5 - 2));
  Matrix(buffer, 5, 7);
  CHECK(Contains(Abort([&] { Matrix(buffer, 6, 7); }), "a matrix of"));
  MPSMatrixMultiplication* product = [[[MPSMatrixMultiplication alloc] initWithDevice:gpu.device()
                                                                           resultRows:5
                                                                        resultColumns:7
                                                                      interiorColumns:8] autorelease];
  CHECK(Contains(Abort([&] {
                   [product encodeToCommandBuffer:[gpu.queue() commandBuffer]
                                       leftMatrix:Matrix(buffer, 5, 7)
                                      rightMatrix:Matrix(buffer, 5, 7)
                                     resultMatrix:Matrix(buffer, 5, 7)];
                 }),
                 "left matrix is smaller"));
}
